-- Backfills: walks over a title's players that unlock newly opened achievements (core/events/backfill.py).

-- name: add
-- Begins a backfill.
--
--   :title_id  bigint
--   :numbers   bigint[]  the achievements that were opened
INSERT INTO backfill (title_id, numbers)
VALUES (:title_id, :numbers::bigint[]);

-- name: claim_next
-- Leases the oldest backfill that no other process works on.
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
--   :max_rows  integer
--
-- Index: progress_pkey, scanned from the position on.
SELECT p.player
FROM progress AS p
WHERE p.player > coalesce(:position::text, '') AND p.title_id = :title_id
ORDER BY p.player
LIMIT :max_rows;

-- name: advance
-- Moves a backfill on after a page and releases its lease.
--
--   :backfill_id  bigint
--   :position     text     the last player of the page
--   :players      bigint   players in the page
--   :unlocks      bigint   unlocks in the page
UPDATE backfill
SET
    position = :position,
    due_at = now(),
    players = players + :players,
    unlocks = unlocks + :unlocks
WHERE backfill.backfill_id = :backfill_id;

-- name: finish
-- Deletes a backfill that has visited every player.
--
--   :backfill_id  bigint
DELETE FROM backfill
WHERE backfill.backfill_id = :backfill_id;
