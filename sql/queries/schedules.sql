-- Publishes that are to happen later.

-- name: add
-- A publish of a title that is to happen from a moment on.
--
--   :title_id  bigint
--   :due_at    timestamptz
--   :note      text         NULL where nothing is to be said
--   :actor     text
INSERT INTO scheduled_publish (title_id, due_at, note, actor)
VALUES (:title_id, :due_at, :note, :actor)
RETURNING schedule_id, title_id, due_at, note, actor, status, release, problem;

-- name: of_title
-- The scheduled publishes of a title, what became of them included, latest first.
--
--   :title_id  bigint
--   :count     integer  at most so many
SELECT
    s.schedule_id,
    s.title_id,
    s.due_at,
    s.note,
    s.actor,
    s.status,
    s.release,
    s.problem
FROM scheduled_publish AS s
WHERE s.title_id = :title_id
ORDER BY s.due_at DESC, s.schedule_id DESC
LIMIT :count;

-- name: claim
-- The scheduled publish that has been due for longest, for whoever asks first: others pass over it.
--
-- Reads one row by schedules_that_wait.
SELECT
    s.schedule_id,
    s.title_id,
    s.due_at,
    s.note,
    s.actor,
    s.status,
    s.release,
    s.problem
FROM scheduled_publish AS s
WHERE s.status = 'waiting' AND s.due_at <= now()
ORDER BY s.due_at
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: settle
-- Says what became of a scheduled publish that waits.
--
--   :title_id     bigint
--   :schedule_id  bigint
--   :status       text     published, refused or cancelled
--   :release      integer  NULL if there is none
--   :problem      text     NULL if there is none
UPDATE scheduled_publish
SET
    status = :status,
    release = :release,
    problem = :problem
WHERE
    scheduled_publish.title_id = :title_id
    AND scheduled_publish.schedule_id = :schedule_id
    AND scheduled_publish.status = 'waiting';
