"""What the service knows: what can be earned, who has earned it, what it is called, who may ask."""
