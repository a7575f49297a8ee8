-- Consistency checks: recomputed totals over all players. With several servers, each checks its own players.

-- name: holder_count_drift
-- Achievements whose counted holders differ from the actual ones; number 0 counts the players of the title.
WITH counted AS (
    SELECT
        c.title_id,
        c.number,
        c.players
    FROM completion AS c
    UNION ALL
    SELECT
        d.title_id,
        d.number,
        d.change::bigint AS players
    FROM completion_delta AS d
),

actual AS (
    SELECT
        p.title_id,
        0::bigint AS number,
        count(*) AS players
    FROM progress AS p
    GROUP BY p.title_id
    UNION ALL
    SELECT
        p.title_id,
        u.number::bigint & 4294967295 AS number,
        count(*) AS players
    FROM progress AS p
    CROSS JOIN LATERAL unnest(p.unlocked) AS u (number)
    GROUP BY p.title_id, u.number
),

both_sides AS (
    SELECT
        c.title_id,
        c.number,
        c.players AS counted,
        0::bigint AS actual
    FROM counted AS c
    UNION ALL
    SELECT
        t.title_id,
        t.number,
        0::bigint AS counted,
        t.players AS actual
    FROM actual AS t
)

SELECT
    b.title_id,
    b.number,
    sum(b.counted)::bigint AS counted,
    sum(b.actual)::bigint AS actual
FROM both_sides AS b
GROUP BY b.title_id, b.number
HAVING sum(b.counted) <> sum(b.actual)
ORDER BY b.title_id, b.number;

-- name: daily_total_drift
-- Metrics of which players have totals that differ from the sum of their days.
--
--   :prefix  text  prefix of a metric's key in the name of its sum
WITH stored AS (
    SELECT
        p.player,
        p.title_id,
        substr(s.key, length(:prefix::text) + 1) AS metric,
        (s.value #>> '{}')::numeric AS total
    FROM progress AS p
    CROSS JOIN LATERAL jsonb_each(p.standings) AS s (key, value)
    WHERE s.key LIKE :prefix::text || '%' AND s.key !~ '[@?]'
),

summed AS (
    SELECT
        d.player,
        d.title_id,
        d.metric,
        sum(d.change) AS total
    FROM metric_day AS d
    GROUP BY d.player, d.title_id, d.metric
)

SELECT
    coalesce(s.title_id, d.title_id) AS title_id,
    coalesce(s.metric, d.metric) AS metric,
    count(*)::integer AS players
FROM stored AS s
FULL JOIN summed AS d ON s.player = d.player AND s.title_id = d.title_id AND s.metric = d.metric
WHERE coalesce(s.total, 0) <> coalesce(d.total, 0)
GROUP BY coalesce(s.title_id, d.title_id), coalesce(s.metric, d.metric)
ORDER BY title_id, metric;

-- name: double_unlocks
-- The number of rows that hold an achievement more than once.
SELECT count(*)::integer AS players
FROM progress AS p
WHERE cardinality(p.unlocked) <> (SELECT count(DISTINCT u.number) FROM unnest(p.unlocked) AS u (number));

-- name: correct_holder_count
-- Corrects a counter by a difference.
--
--   :title_id  bigint
--   :number    bigint
--   :change    integer
INSERT INTO completion_delta (title_id, number, change)
VALUES (:title_id, :number, :change);
