-- API keys of titles' servers and of single players, and the secrets of OAuth clients.

-- name: active_keys
-- The keys with these prefixes that are neither revoked nor expired.
--
--   :prefixes  text[]
--
-- Index: prefix_names_one_key, one probe a prefix.
SELECT
    k.prefix,
    k.sha256,
    k.title_id,
    k.of_player AS player,
    k.name,
    k.scopes,
    floor(extract(EPOCH FROM k.expires_at))::bigint AS expires_at
FROM api_key AS k
WHERE
    k.prefix = any(:prefixes::text[])
    AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > now());

-- name: keys_of_title
-- Every key of a title, the newest first.
--
--   :title_id  bigint
SELECT
    k.key_id,
    k.prefix,
    k.of_player AS player,
    k.name,
    k.scopes,
    k.created_at,
    k.expires_at,
    k.last_used_at,
    k.revoked_at IS NOT NULL AS is_revoked
FROM api_key AS k
WHERE k.title_id = :title_id
ORDER BY k.created_at DESC, k.key_id ASC;

-- name: add_key
-- Adds a key; 0 rows if there is no such title.
--
--   :key_id      uuid
--   :title_id    bigint
--   :prefix      text
--   :sha256      bytea        of the secret part
--   :player      text         NULL for a key of the title itself
--   :name        text         NULL for none
--   :scopes      text[]
--   :expires_at  timestamptz  NULL for never
INSERT INTO api_key (key_id, title_id, prefix, sha256, of_player, name, scopes, expires_at)
SELECT
    :key_id::uuid AS key_id,
    t.title_id,
    :prefix::text AS prefix,
    :sha256::bytea AS sha256,
    :player::text AS of_player,
    :name::text AS name,
    :scopes::text[] AS scopes,
    :expires_at::timestamptz AS expires_at
FROM title AS t
WHERE t.title_id = :title_id;

-- name: revoke
-- Revokes keys of one title; returns those that were not revoked before.
--
--   :title_id  bigint
--   :key_ids   uuid[]
UPDATE api_key
SET revoked_at = now()
WHERE api_key.title_id = :title_id AND api_key.key_id = any(:key_ids::uuid[]) AND api_key.revoked_at IS NULL
RETURNING api_key.key_id;

-- name: record_use
-- Records that keys were used, unless that was recorded within a minute.
--
--   :prefixes  text[]
--
-- Index: prefix_names_one_key, one probe a prefix.
UPDATE api_key
SET last_used_at = now()
WHERE
    api_key.prefix = any(:prefixes::text[])
    AND (api_key.last_used_at IS NULL OR api_key.last_used_at < now() - interval '1 minute');
