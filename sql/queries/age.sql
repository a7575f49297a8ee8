-- What time alone earns: the statements of core/age.py.

-- name: claim
-- Takes up the watch over one length of time in a title, for so long; no row while somebody else is on it.
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
-- The next players of a title by when they came, of those who lack any of these achievements.
--
--   :title_id     bigint
--   :arrived_at   bigint     ticks; the place that was passed already
--   :player_name  text
--   :until        bigint     ticks; who came later is too young
--   :numbers      integer[]  as they are stored
--   :most         integer
--
-- Walks progress_by_arrival from the place on.
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
LIMIT :most;

-- name: pass
-- Notes how far the watch is; with a lease somebody stays on it.
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
