-- Sessions of the workbench, so that signing out ends one for every copy of its cookie.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- sha256   of the cookie
-- name     who signed in
-- grants   the rights on texts of the token that was exchanged; the session ends when that token does
-- used_at  about a minute exact
CREATE TABLE session (
    sha256 bytea NOT NULL,
    name text COLLATE "C" NOT NULL,
    grants jsonb NOT NULL,
    country text,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT session_pkey PRIMARY KEY (sha256),
    CONSTRAINT sha256_has_32_bytes CHECK (octet_length(sha256) = 32)
);

CREATE INDEX session_of_name ON session (name, created_at);
