-- Walks over a title's players that give them what they had reached before it could be unlocked.

-- name: add
-- Begins a walk.
--
--   :title_id  bigint
--   :numbers   bigint[]  the achievements
INSERT INTO backfill (title_id, numbers)
VALUES (:title_id, :numbers::bigint[]);

-- name: next
-- Takes the oldest walk that nobody is on, for so long.
--
--   :lease  interval
UPDATE backfill AS b
SET due_at = now() + :lease::interval
WHERE
    b.backfill_id = (
        SELECT w.backfill_id
        FROM backfill AS w
        WHERE w.due_at <= now()
        ORDER BY w.backfill_id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
RETURNING
    b.backfill_id,
    b.title_id,
    b.numbers,
    b.position;

-- name: players_after
-- The next players of a title by name.
--
--   :title_id  bigint
--   :position  text     NULL for the first ones
--   :most      integer
--
-- Walks progress_pkey from the position on.
SELECT p.player
FROM progress AS p
WHERE p.player > coalesce(:position::text, '') AND p.title_id = :title_id
ORDER BY p.player
LIMIT :most;

-- name: pass
-- Moves a walk on, and leaves it to whoever comes next.
--
--   :backfill_id  bigint
--   :position     text     the last player it has passed
--   :players      bigint   how many that step was
--   :unlocks      bigint   how many unlocks it gave
UPDATE backfill
SET
    position = :position,
    due_at = now(),
    players = players + :players,
    unlocks = unlocks + :unlocks
WHERE backfill.backfill_id = :backfill_id;

-- name: end
-- Forgets a walk that is through.
--
--   :backfill_id  bigint
DELETE FROM backfill
WHERE backfill.backfill_id = :backfill_id;
