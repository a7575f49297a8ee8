-- Sessions of the workbench (core/auth/sessions.py).

-- name: begin
-- Starts a session.
--
--   :sha256      bytea  of the cookie
--   :name        text
--   :grants      jsonb
--   :country     text
--   :expires_at  bigint  seconds since 1970
INSERT INTO session (sha256, name, grants, country, expires_at)
VALUES (:sha256, :name, :grants::jsonb, :country::text, to_timestamp(:expires_at::bigint));

-- name: find
-- The session of a cookie, unless its token has expired or it was not used for too long.
--
--   :sha256        bytea
--   :idle_seconds  float8
--
-- Index: session_pkey.
SELECT
    s.name,
    s.grants::text AS grants,
    s.country,
    extract(EPOCH FROM s.expires_at)::bigint AS expires_at,
    extract(EPOCH FROM now() - s.used_at)::float8 AS unused_seconds
FROM session AS s
WHERE
    s.sha256 = :sha256
    AND s.expires_at > now()
    AND s.used_at > now() - make_interval(secs => :idle_seconds::float8);

-- name: touch
-- Records that a session is used.
--
--   :sha256  bytea
UPDATE session
SET used_at = now()
WHERE session.sha256 = :sha256;

-- name: end_session
-- Ends a session.
--
--   :sha256  bytea
DELETE FROM session AS s
WHERE s.sha256 = :sha256;

-- name: delete_old
-- Deletes sessions that are over, and the oldest ones of a person who has too many.
--
--   :name          text
--   :most          integer  sessions that the person may keep
--   :idle_seconds  float8
--
-- Index: session_of_name, for those of the person.
DELETE FROM session AS s
WHERE
    s.expires_at <= now()
    OR s.used_at <= now() - make_interval(secs => :idle_seconds::float8)
    OR s.sha256 IN (
        SELECT o.sha256
        FROM session AS o
        WHERE o.name = :name
        ORDER BY o.created_at DESC, o.used_at DESC
        OFFSET :most
    );
