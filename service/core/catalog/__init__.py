"""The catalog of what can be earned: titles, achievements, metrics and rewards as frozen values. Pure."""
