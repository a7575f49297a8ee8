"""Who is calling and what they may do: tokens, API keys, OAuth clients, sessions and permissions."""
