"""Strings under translation: editing, imports, coverage and fallbacks."""
