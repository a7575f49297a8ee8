"""Laurel: an Xbox-style, paged, localized achievements service."""
