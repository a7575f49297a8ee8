"""Compute progress: measures of events, requirements, and the rules that unlock achievements. Pure."""
