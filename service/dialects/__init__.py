"""One folder a door: the same knowledge in other words. Doors never know each other."""
