-- API keys of titles' servers and of single players, and the secrets of OAuth clients.

-- name: active_keys
-- The unrevoked keys with these prefixes.
--
--   :prefixes  text[]
--
-- Index: prefix_names_one_key, one probe a prefix.
SELECT
    k.prefix,
    k.sha256,
    k.title_id,
    k.of_player AS player
FROM api_key AS k
WHERE k.prefix = any(:prefixes::text[]) AND k.revoked_at IS NULL;

-- name: keys_of_title
-- Every key of a title, the newest first. Times are UTC to the second.
--
--   :title_id  bigint
SELECT
    k.key_id,
    k.prefix,
    k.of_player AS player,
    to_char(k.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created_at,
    k.revoked_at IS NOT NULL AS is_revoked
FROM api_key AS k
WHERE k.title_id = :title_id
ORDER BY k.created_at DESC, k.key_id ASC;

-- name: add_key
-- Adds a key; 0 rows if there is no such title.
--
--   :key_id    uuid
--   :title_id  bigint
--   :prefix    text
--   :sha256    bytea  of the secret part
--   :player    text   NULL for a key of the title itself
INSERT INTO api_key (key_id, title_id, prefix, sha256, of_player)
SELECT
    :key_id::uuid AS key_id,
    t.title_id,
    :prefix::text AS prefix,
    :sha256::bytea AS sha256,
    :player::text AS of_player
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
