"""What players have earned: reading, lists, pagination, counts of holders, and a player's data."""
