-- Cursors of unlocks by tenure (core/events/tenure.py).

-- name: claim
-- Leases the cursor of one length of time in a title; no row while another process holds the lease.
--
--   :title_id  bigint
--   :seconds   bigint
--   :lease     interval
INSERT INTO age_watch AS w (title_id, seconds, arrived_at, player_name, due_at)
VALUES (:title_id, :seconds, 0, '', now() + :lease::interval)
ON CONFLICT (title_id, seconds) DO UPDATE
    SET due_at = now() + :lease::interval
    WHERE w.due_at <= now()
RETURNING
    w.arrived_at,
    w.player_name;

-- name: arrivals
-- The next players of a title in the order of arrival, of those who lack any of these achievements.
--
--   :title_id     bigint
--   :arrived_at   bigint     ticks; the cursor, with the player's name
--   :player_name  text
--   :until        bigint     ticks; the latest arrival that is long enough ago
--   :numbers      integer[]  as they are stored
--   :max_rows     integer    rows at most
--
-- Index: progress_by_arrival, scanned from the cursor on.
SELECT
    p.created_at AS arrived_at,
    p.player AS player_name
FROM progress AS p
WHERE
    p.title_id = :title_id
    AND p.created_at IS NOT NULL
    AND p.created_at <= :until
    AND (p.created_at, p.player) > (:arrived_at::bigint, :player_name::text)
    AND NOT p.unlocked @> :numbers::integer[]
ORDER BY p.created_at, p.player
LIMIT :max_rows;

-- name: advance
-- Moves the cursor and renews the lease; a lease of 0 releases it.
--
--   :title_id     bigint
--   :seconds      bigint
--   :arrived_at   bigint
--   :player_name  text
--   :lease        interval
UPDATE age_watch AS w
SET
    arrived_at = :arrived_at,
    player_name = :player_name,
    due_at = now() + :lease::interval
WHERE w.title_id = :title_id AND w.seconds = :seconds;
