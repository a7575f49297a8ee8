"""The domain: achievements, progress, texts, releases, credentials and permissions. Knows no HTTP."""
