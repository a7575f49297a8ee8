-- Badges that were revoked, and the keys that sign badges.

-- name: revoke
-- Notes that an award's badge is revoked; nothing if it was already, or if nothing is held of the player.
--
--   :player    text
--   :title_id  bigint
--   :number    bigint
--   :list      bigint   which bit is set for it, with :position
--   :position  integer
--   :reason    text     NULL for none
--
-- Holds the player's row by player_pkey until the transaction ends, so that nothing is noted of a player who is
-- being erased.
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
-- Takes back that an award's badge is revoked; gives which bit was set for it.
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

-- name: bits
-- Which bits are set in one of a title's status lists.
--
--   :title_id  bigint
--   :list      bigint
--
-- Reads by status_bit_pkey.
SELECT b.position
FROM status_bit AS b
WHERE b.title_id = :title_id AND b.list = :list
ORDER BY b.position;

-- name: keys
-- The keys of all badges: the secret of pseudonyms, and after it the signing keys, the one in use first.
SELECT
    k.name,
    k.key
FROM service_key AS k
WHERE k.name LIKE 'open-badges/%'
ORDER BY k.name DESC;

-- name: retire_key
-- Keeps of a signing key what others verify with.
--
--   :name  text
--   :key   bytea  its public part
UPDATE service_key
SET key = :key
WHERE name = :name;

-- name: forget_key
-- Forgets a key whole.
--
--   :name  text
DELETE FROM service_key AS k
WHERE k.name = :name;
