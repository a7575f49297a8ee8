"""Players' progress: reading, ordered lists, pages, continuation tokens, holder counts, rarity, and a player's data."""
