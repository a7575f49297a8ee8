"""Drafts and releases: what is edited, how it is published, and what is served."""
