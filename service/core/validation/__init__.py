"""Checks of values, texts, metrics and whole titles, and the diagnostics that they report. Pure."""
