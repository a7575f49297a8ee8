-- Scheduled publishes.

-- name: add
-- Adds a publish of a title that is due at a moment.
--
--   :title_id  bigint
--   :due_at    timestamptz
--   :note      text         NULL for none
--   :actor     text
INSERT INTO scheduled_publish (title_id, due_at, note, actor)
VALUES (:title_id, :due_at, :note, :actor)
RETURNING schedule_id, title_id, due_at, note, :actor AS actor, status, release, problem;

-- name: of_title
-- The scheduled publishes of a title with their outcome, latest due first.
--
--   :title_id  bigint
--   :max_rows  integer
SELECT
    s.schedule_id,
    s.title_id,
    s.due_at,
    s.note,
    editor_name(s.actor) AS actor,
    s.status,
    s.release,
    s.problem
FROM scheduled_publish AS s
WHERE s.title_id = :title_id
ORDER BY s.due_at DESC, s.schedule_id DESC
LIMIT :max_rows;

-- name: next_due
-- The scheduled publish that has been due for longest; several processes may find the same.
--
-- Reads one row by schedules_that_wait.
SELECT
    s.schedule_id,
    s.title_id,
    s.due_at,
    s.note,
    editor_name(s.actor) AS actor,
    s.status,
    s.release,
    s.problem
FROM scheduled_publish AS s
WHERE s.status = 'waiting' AND s.due_at <= now()
ORDER BY s.due_at, s.schedule_id
LIMIT 1;

-- name: claim
-- Claims a scheduled publish that still waits: the row is locked; no row if another process has it.
--
--   :schedule_id  bigint
SELECT s.schedule_id
FROM scheduled_publish AS s
WHERE s.schedule_id = :schedule_id AND s.status = 'waiting'
FOR UPDATE SKIP LOCKED;

-- name: set_outcome
-- Sets the outcome of a waiting scheduled publish.
--
--   :title_id     bigint
--   :schedule_id  bigint
--   :status       text     published, refused or cancelled
--   :release      integer  NULL for none
--   :problem      text     NULL for none
UPDATE scheduled_publish
SET
    status = :status,
    release = :release,
    problem = :problem
WHERE
    scheduled_publish.title_id = :title_id
    AND scheduled_publish.schedule_id = :schedule_id
    AND scheduled_publish.status = 'waiting';
