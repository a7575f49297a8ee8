-- The event log, and the daily totals of metrics.

-- name: active_days
-- The days on which a player had an amount above 0 of a metric.
--
--   :player    text
--   :title_id  bigint
--   :metric    text    NULL for any
--   :since     date
--   :until     date    both included
--
-- Index: metric_day_pkey.
SELECT DISTINCT d.day
FROM metric_day AS d
WHERE
    d.player = :player
    AND d.title_id = :title_id
    AND (:metric::text IS NULL OR d.metric = :metric::text)
    AND d.day BETWEEN :since::date AND :until::date
    AND d.is_active
ORDER BY d.day;

-- name: events
-- The events of one metric of a player within a time, in order.
--
--   :player    text
--   :title_id  bigint
--   :metric    text
--   :since     bigint  ticks, not included
--   :until     bigint  ticks, included
--
-- Index: event_pkey of each month.
SELECT
    e.at,
    e.amount,
    e.attributes
FROM event AS e
WHERE
    e.player = :player
    AND e.title_id = :title_id
    AND e.metric = :metric
    AND e.at > :since
    AND e.at <= :until
ORDER BY e.at, e.event_id;

-- name: create_partitions
-- Creates the partitions of this month and the following ones.
--
--   :months  integer
SELECT make_event_months(:months::integer) AS made;

-- name: drop_partitions
-- Drops the partitions of months that ended more than :older_than months before this one.
--
--   :older_than  integer
SELECT d.name
FROM drop_event_months(:older_than::integer) AS d (name);

-- name: daily_changes
-- What each day added to a metric of a player; in a row with a NULL day, the sum of all days before them.
--
--   :player    text
--   :title_id  bigint
--   :metric    text
--   :since     date
--   :until     date    both included
--
-- Index: metric_day_pkey.
SELECT
    NULL::date AS day,
    coalesce(sum(b.change), 0) AS change
FROM metric_day AS b
WHERE b.player = :player AND b.title_id = :title_id AND b.metric = :metric AND b.day < :since::date
UNION ALL
SELECT
    d.day,
    d.change
FROM metric_day AS d
WHERE
    d.player = :player
    AND d.title_id = :title_id
    AND d.metric = :metric
    AND d.day BETWEEN :since::date AND :until::date;
