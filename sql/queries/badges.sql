-- Revoked credentials, their status lists, and the keys that sign credentials.

-- name: revoke
-- Revokes the credential of an earned achievement; does nothing if it was revoked already or the player has no data.
--
--   :player    text
--   :title_id  bigint
--   :number    bigint
--   :list      bigint   the status list of its bit
--   :position  integer
--   :reason    text     NULL for none
--
-- Index: player_pkey. Locks the player until the transaction ends, so that nothing is stored of a player who is being
-- erased.
INSERT INTO revoked_badge (player, title_id, number, list, position, reason)
SELECT
    w.player,
    :title_id,
    :number,
    :list,
    :position,
    :reason
FROM player AS w
WHERE w.player = :player
FOR KEY SHARE
ON CONFLICT DO NOTHING;

-- name: set_bit
-- Sets one bit of a title's status lists.
--
--   :title_id  bigint
--   :list      bigint
--   :position  integer
INSERT INTO status_bit (title_id, list, position)
VALUES (:title_id, :list, :position)
ON CONFLICT DO NOTHING;

-- name: restore
-- Restores a revoked credential; returns its bit.
--
--   :player    text
--   :title_id  bigint
--   :number    bigint
DELETE FROM revoked_badge AS r
WHERE r.player = :player AND r.title_id = :title_id AND r.number = :number
RETURNING r.list, r.position;

-- name: clear_bit
-- Clears one bit of a title's status lists.
--
--   :title_id  bigint
--   :list      bigint
--   :position  integer
DELETE FROM status_bit AS b
WHERE b.title_id = :title_id AND b.list = :list AND b.position = :position;

-- name: set_bits
-- The bits that are set in one of a title's status lists.
--
--   :title_id  bigint
--   :list      bigint
--
-- Index: status_bit_pkey.
SELECT b.position
FROM status_bit AS b
WHERE b.title_id = :title_id AND b.list = :list
ORDER BY b.position;

-- name: credential_keys
-- The keys of credentials: the secret of pseudonyms, then the signing keys, the current one first.
SELECT
    k.name,
    k.key
FROM service_key AS k
WHERE k.name LIKE 'open-badges/%'
ORDER BY k.name DESC;

-- name: keep_public_key
-- Replaces a signing key by its public part, which verifiers need.
--
--   :name  text
--   :key   bytea  the public part
UPDATE service_key
SET key = :key
WHERE name = :name;

-- name: delete_key
-- Deletes a key.
--
--   :name  text
DELETE FROM service_key AS k
WHERE k.name = :name;
