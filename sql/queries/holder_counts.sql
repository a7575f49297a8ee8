-- Counts of achievement holders: no data of single players.

-- name: of_titles
-- The counts of each title, ordered by achievement number; 0 counts the players of the title. No row without players.
--
--   :title_ids  bigint[]
--
-- Index: completion_pkey. The deltas, a few seconds of unlocks, are read completely.
WITH counted AS (
    SELECT
        c.title_id,
        c.number,
        c.players
    FROM completion AS c
    WHERE c.title_id = any(:title_ids::bigint[])
    UNION ALL
    SELECT
        d.title_id,
        d.number,
        d.change::bigint AS players
    FROM completion_delta AS d
    WHERE d.title_id = any(:title_ids::bigint[])
),

summed AS (
    SELECT
        c.title_id,
        c.number,
        sum(c.players)::bigint AS players
    FROM counted AS c
    GROUP BY c.title_id, c.number
)

SELECT
    s.title_id,
    array_agg(s.number ORDER BY s.number) AS numbers,
    array_agg(s.players ORDER BY s.number) AS players
FROM summed AS s
GROUP BY s.title_id;

-- name: merge_deltas
-- Merges deltas into the totals, except those that another process is merging; returns their number.
--
--   :max_rows  integer  the number of deltas at most
WITH deleted AS (
    DELETE FROM completion_delta AS d
    WHERE
        d.ctid = any(
            array(
                SELECT w.ctid
                FROM completion_delta AS w
                ORDER BY w.ctid
                LIMIT :max_rows
                FOR UPDATE SKIP LOCKED
            )
        )
    RETURNING
        d.title_id,
        d.number,
        d.change
),

merged AS (
    INSERT INTO completion AS c (title_id, number, players)
    SELECT
        t.title_id,
        t.number,
        sum(t.change)::bigint AS players
    FROM deleted AS t
    GROUP BY t.title_id, t.number
    ORDER BY t.title_id, t.number
    ON CONFLICT (title_id, number) DO UPDATE SET players = c.players + excluded.players
)

SELECT count(*)::integer AS rows
FROM deleted;

-- name: of_all_titles
-- The counts of all titles: (title, number, players); number 0 counts the players of the title.
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
)

SELECT
    c.title_id,
    c.number,
    sum(c.players)::bigint AS players
FROM counted AS c
GROUP BY c.title_id, c.number
ORDER BY c.title_id, c.number;
