-- Webhooks and their outbox: a queue of messages over all players, which a background job empties.

-- name: due_webhooks
-- The webhooks that have a message that is due; first those whose oldest one is due longest.
--
-- Index: outbox_of_webhook, one probe for each webhook that has any message.
WITH RECURSIVE oldest AS (
    (
        SELECT
            o.webhook_id,
            o.due_at
        FROM outbox AS o
        WHERE o.died_at IS NULL
        ORDER BY o.webhook_id, o.due_at
        LIMIT 1
    )
    UNION ALL
    SELECT
        n.webhook_id,
        n.due_at
    FROM oldest AS p
    CROSS JOIN LATERAL (
        SELECT
            o.webhook_id,
            o.due_at
        FROM outbox AS o
        WHERE o.died_at IS NULL AND o.webhook_id > p.webhook_id
        ORDER BY o.webhook_id, o.due_at
        LIMIT 1
    ) AS n
)

SELECT p.webhook_id
FROM oldest AS p
WHERE p.due_at <= now()
ORDER BY p.due_at;

-- name: claim
-- Claims due messages of webhooks for a lease: of each webhook at most so many, the longest due first.
--
--   :webhook_ids  bigint[]
--   :counts       integer[]  one for each webhook
--   :lease        interval
--
-- Index: outbox_of_webhook, one probe for each webhook. The locked rows are found again by their place (ctid), and
-- pass through arrays: the planner expects ten rows of an array, but of LIMIT so many that it would read the whole
-- table.
WITH due AS (
    SELECT
        array_agg(d.ctid) AS places,
        array_agg(h.url) AS urls,
        array_agg(h.secret) AS secrets
    FROM unnest(:webhook_ids::bigint[], :counts::integer[]) AS r (webhook_id, max_rows)
    INNER JOIN webhook AS h ON r.webhook_id = h.webhook_id
    CROSS JOIN LATERAL (
        SELECT w.ctid
        FROM outbox AS w
        WHERE w.webhook_id = h.webhook_id AND w.due_at <= now() AND w.died_at IS NULL
        ORDER BY w.due_at
        LIMIT r.max_rows
        FOR UPDATE SKIP LOCKED
    ) AS d
)

UPDATE outbox AS o
SET due_at = now() + :lease::interval
FROM due AS d
CROSS JOIN LATERAL unnest(d.places, d.urls, d.secrets) AS m (place, url, secret)
WHERE o.ctid = m.place
RETURNING
    o.player,
    o.title_id,
    o.number,
    o.webhook_id,
    o.at,
    o.attempts,
    m.url,
    m.secret;

-- name: delete
-- Deletes a message that was delivered.
DELETE FROM outbox AS o
WHERE o.player = :player AND o.title_id = :title_id AND o.number = :number AND o.webhook_id = :webhook_id;

-- name: reschedule
-- Stores a failed attempt.
--
--   :attempts  integer   made so far
--   :error     text
--   :delay     interval  until the next attempt
--   :is_dead   boolean   no further attempt is made
UPDATE outbox AS o
SET
    attempts = :attempts,
    error = :error,
    due_at = now() + :delay::interval,
    died_at = CASE WHEN :is_dead::boolean THEN now() END
WHERE o.player = :player AND o.title_id = :title_id AND o.number = :number AND o.webhook_id = :webhook_id;

-- name: dead_messages
-- The dead messages of a title, the oldest first.
--
--   :title_id  bigint
SELECT
    o.player,
    o.number,
    o.webhook_id,
    o.attempts,
    o.error
FROM outbox AS o
WHERE o.title_id = :title_id AND o.died_at IS NOT NULL
ORDER BY o.died_at, o.player, o.number;

-- name: retry_dead
-- Makes the dead messages of a title due again.
--
--   :title_id  bigint
UPDATE outbox AS o
SET
    attempts = 0,
    due_at = now(),
    died_at = NULL
WHERE o.title_id = :title_id AND o.died_at IS NOT NULL;

-- name: add_webhook
-- Adds a webhook; no row if there is no such title.
--
--   :title_id  bigint
--   :url       text
--   :secret    text
INSERT INTO webhook (title_id, url, secret)
SELECT
    t.title_id,
    :url::text AS url,
    :secret::text AS secret
FROM title AS t
WHERE t.title_id = :title_id
RETURNING webhook_id;

-- name: webhooks
-- The webhooks of a title with their numbers of waiting and dead messages.
--
--   :title_id  bigint
SELECT
    h.webhook_id,
    h.url,
    to_char(h.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created_at,
    count(o.webhook_id) FILTER (WHERE o.died_at IS NULL) AS waiting,
    count(o.webhook_id) FILTER (WHERE o.died_at IS NOT NULL) AS dead
FROM webhook AS h
LEFT JOIN outbox AS o ON h.webhook_id = o.webhook_id
WHERE h.title_id = :title_id
GROUP BY h.webhook_id
ORDER BY h.webhook_id;

-- name: remove_webhook
-- Removes a webhook with its messages; 0 rows if the title has no such webhook.
--
--   :title_id    bigint
--   :webhook_id  bigint
WITH gone AS (
    DELETE FROM outbox AS o
    WHERE o.title_id = :title_id AND o.webhook_id = :webhook_id
)

DELETE FROM webhook AS h
WHERE h.title_id = :title_id AND h.webhook_id = :webhook_id;
