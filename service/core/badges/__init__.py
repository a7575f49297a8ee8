"""Open Badges credentials: built, signed, verified and revoked."""
