-- What players did, written: the statements of core/records.py.

-- name: states
-- What each player has in one title as the write path needs it: one row a question, whatever there is.
--
--   :players    text[]    whose
--   :title_ids  bigint[]  in which title; one for each player
--   :erased_as   bytea[]   the player's name in `erased`; one for each player
--
-- Reads by player_pkey, progress_pkey and erased_pkey.
SELECT
    coalesce(w.revision, e.revision, 0) AS revision,
    w.player IS NOT NULL AS is_known,
    p.player IS NOT NULL AS is_here,
    p.created_at,
    p.unlocked,
    p.unlocked_at,
    p.standings,
    p.profile
FROM
    unnest(:players::text[], :title_ids::bigint[], :erased_as::bytea[])
    WITH ORDINALITY AS k (player, title_id, hash, place)
LEFT JOIN player AS w ON k.player = w.player
LEFT JOIN erased AS e ON k.hash = e.player_hash
LEFT JOIN progress AS p ON k.player = p.player AND k.title_id = p.title_id
ORDER BY k.place;

-- name: told_before
-- Which of these events were told before under the same key, and as which event.
--
--   :players    text[]
--   :title_ids  bigint[]  and so on: one of each for each question
--   :metrics    text[]
--   :keys       text[]
--
-- Reads one row a question by idempotency_pkey.
SELECT
    k.player,
    k.title_id,
    k.metric,
    k.key,
    i.event_id
FROM
    unnest(:players::text[], :title_ids::bigint[], :metrics::text[], :keys::text[])
        AS k (player, title_id, metric, key)
INNER JOIN idempotency AS i
    ON
        k.player = i.player
        AND k.title_id = i.title_id
        AND k.metric = i.metric
        AND k.key = i.key;

-- name: landed
-- Which of these events are in the log: asked when a connection was lost before it said so.
--
--   :players    text[]
--   :title_ids  bigint[]  and so on: one of each for each event
--   :metrics    text[]
--   :ats        bigint[]
--   :event_ids  uuid[]
--
-- Reads one row a question by event_pkey, in each month.
SELECT e.event_id
FROM
    unnest(:players::text[], :title_ids::bigint[], :metrics::text[], :ats::bigint[], :event_ids::uuid[])
        AS k (player, title_id, metric, at, event_id)
INNER JOIN event AS e
    ON
        k.player = e.player
        AND k.title_id = e.title_id
        AND k.metric = e.metric
        AND k.at = e.at
        AND k.event_id = e.event_id;

-- name: record
-- Writes what several players did, of each player all or nothing; gives the places of those that were written.
--
-- A player is written if the row still has the revision that the change was worked out from, and no event of the
-- change was told before under its key. Nobody else can then have written anything of that player in between.
-- Players are given in order of their names, so that two of these statements take their rows in the same order.
--
--   :players    text[]      one of each for each player, no player twice:
--   :title_ids  bigint[]    where
--   :expected   bigint[]    the revision that it was worked out from
--   :known      boolean[]   whether there is a row of the player
--   :here       boolean[]   whether there is one in this title
--   :erased_as   bytea[]     the player's name in `erased`: a new row begins at the revision of an erased one
--   :standings  text[]      JSON of the standings that change, NULL for none
--   :profiles   text[]      JSON of the profile, NULL if it stays
--   :created    bigint[]    ticks of the player's first time in the title
--
--   :unlock_places  integer[]  whose, counted from 1; one of each for each unlock, in their order:
--   :unlock_numbers integer[]  the achievement, as it is stored
--   :unlock_ats     bigint[]   when, in ticks
--   :unlock_told    boolean[]  whether webhooks are told
--
--   :event_places     integer[]  one of each for each event:
--   :event_metrics    text[]
--   :event_ats        bigint[]
--   :event_ids        uuid[]
--   :event_amounts    numeric[]
--   :event_attributes text[]     JSON, NULL for none
--
--   :day_places   integer[]  one of each for each day of each metric:
--   :day_metrics  text[]
--   :days         date[]
--   :day_changes  numeric[]
--   :day_actives  boolean[]
--
--   :key_places   integer[]  one of each for each key:
--   :key_metrics  text[]
--   :keys         text[]
--   :key_events   uuid[]
--
-- Touches one row of player, progress and metric_day for an event in the common case, and adds one to event.
WITH asked AS (
    SELECT
        a.player,
        a.title_id,
        a.expected,
        a.is_known,
        a.is_here,
        a.hash,
        a.standings,
        a.profile,
        a.created_at,
        a.place
    FROM
        unnest(
            :players::text[],
            :title_ids::bigint[],
            :expected::bigint[],
            :known::boolean[],
            :here::boolean[],
            :erased_as::bytea[],
            :standings::text[],
            :profiles::text[],
            :created::bigint[]
        ) WITH ORDINALITY AS a (
            player, title_id, expected, is_known, is_here, hash, standings, profile, created_at, place
        )
),

told AS (
    SELECT
        a.player,
        a.title_id,
        k.metric,
        k.key,
        k.event_id,
        k.place
    FROM
        unnest(:key_places::integer[], :key_metrics::text[], :keys::text[], :key_events::uuid[])
            AS k (place, metric, key, event_id)
    INNER JOIN asked AS a ON k.place = a.place
),

repeated AS (
    SELECT t.place
    FROM told AS t
    INNER JOIN idempotency AS i
        ON
            t.player = i.player
            AND t.title_id = i.title_id
            AND t.metric = i.metric
            AND t.key = i.key
),

risen AS (
    UPDATE player AS w
    SET revision = w.revision + 1
    FROM asked AS a
    WHERE
        a.player = w.player
        AND a.is_known
        AND w.revision = a.expected
        AND a.place NOT IN (SELECT r.place FROM repeated AS r)
    RETURNING a.place
),

made AS (
    INSERT INTO player (player, revision)
    SELECT
        a.player,
        a.expected + 1 AS revision
    FROM asked AS a
    LEFT JOIN erased AS e ON a.hash = e.player_hash
    WHERE
        NOT a.is_known
        AND a.expected = coalesce(e.revision, 0)
        AND a.place NOT IN (SELECT r.place FROM repeated AS r)
    ON CONFLICT (player) DO NOTHING
    RETURNING player
),

claimed AS (
    SELECT
        a.player,
        a.title_id,
        a.expected,
        a.is_here,
        a.standings,
        a.profile,
        a.created_at,
        a.place
    FROM asked AS a
    LEFT JOIN risen AS r ON a.place = r.place
    LEFT JOIN made AS m ON a.player = m.player
    WHERE r.place IS NOT NULL OR m.player IS NOT NULL
),

unlocked AS (
    SELECT
        c.player,
        c.title_id,
        c.place,
        c.expected + 1 AS revision,
        u.number,
        u.at,
        u.is_told,
        u.turn
    FROM
        unnest(:unlock_places::integer[], :unlock_numbers::integer[], :unlock_ats::bigint[], :unlock_told::boolean[])
        WITH ORDINALITY AS u (place, number, at, is_told, turn)
    INNER JOIN claimed AS c ON u.place = c.place
),

new_unlocks AS (
    SELECT
        u.place,
        array_agg(u.number ORDER BY u.turn) AS numbers,
        array_agg(u.at ORDER BY u.turn) AS ats,
        array_agg(u.revision::integer) AS revisions
    FROM unlocked AS u
    GROUP BY u.place
),

put AS (
    INSERT INTO progress AS p (
        player, title_id, revision, unlocked, unlocked_at, unlocked_in, standings, profile, created_at
    )
    SELECT
        c.player,
        c.title_id,
        c.expected + 1 AS revision,
        coalesce(n.numbers, '{}') AS unlocked,
        coalesce(n.ats, '{}') AS unlocked_at,
        coalesce(n.revisions, '{}') AS unlocked_in,
        c.standings::jsonb AS standings,
        c.profile::jsonb AS profile,
        c.created_at
    FROM claimed AS c
    LEFT JOIN new_unlocks AS n ON c.place = n.place
    ON CONFLICT (player, title_id) DO UPDATE SET
        revision = excluded.revision,
        unlocked = p.unlocked || excluded.unlocked,
        unlocked_at = p.unlocked_at || excluded.unlocked_at,
        unlocked_in = p.unlocked_in || excluded.unlocked_in,
        standings = coalesce(p.standings || excluded.standings, excluded.standings, p.standings),
        profile = coalesce(excluded.profile, p.profile),
        created_at = coalesce(p.created_at, excluded.created_at)
),

logged AS (
    INSERT INTO event (player, title_id, metric, at, event_id, amount, attributes)
    SELECT
        c.player,
        c.title_id,
        e.metric,
        e.at,
        e.event_id,
        e.amount,
        e.attributes::jsonb AS attributes
    FROM
        unnest(
            :event_places::integer[],
            :event_metrics::text[],
            :event_ats::bigint[],
            :event_ids::uuid[],
            :event_amounts::numeric[],
            :event_attributes::text[]
        ) AS e (place, metric, at, event_id, amount, attributes)
    INNER JOIN claimed AS c ON e.place = c.place
),

spent AS (
    INSERT INTO metric_day AS m (player, title_id, metric, day, change, is_active)
    SELECT
        c.player,
        c.title_id,
        d.metric,
        d.day,
        d.change,
        d.is_active
    FROM
        unnest(
            :day_places::integer[],
            :day_metrics::text[],
            :days::date[],
            :day_changes::numeric[],
            :day_actives::boolean[]
        ) AS d (place, metric, day, change, is_active)
    INNER JOIN claimed AS c ON d.place = c.place
    ON CONFLICT (player, title_id, metric, day) DO UPDATE SET
        change = m.change + excluded.change,
        is_active = m.is_active OR excluded.is_active
),

remembered AS (
    INSERT INTO idempotency (player, title_id, metric, key, event_id)
    SELECT
        t.player,
        t.title_id,
        t.metric,
        t.key,
        t.event_id
    FROM told AS t
    INNER JOIN claimed AS c ON t.place = c.place
),

counted AS (
    INSERT INTO completion_delta (title_id, number, change)
    SELECT
        u.title_id,
        u.number::bigint & 4294967295 AS number,
        1 AS change
    FROM unlocked AS u
    UNION ALL
    SELECT
        c.title_id,
        0 AS number,
        1 AS change
    FROM claimed AS c
    WHERE NOT c.is_here
),

posted AS (
    INSERT INTO outbox (player, title_id, number, webhook_id, at)
    SELECT
        u.player,
        u.title_id,
        u.number::bigint & 4294967295 AS number,
        h.webhook_id,
        u.at
    FROM unlocked AS u
    INNER JOIN webhook AS h ON u.title_id = h.title_id
    WHERE u.is_told
    ON CONFLICT (player, title_id, number, webhook_id) DO NOTHING
)

SELECT c.place::integer AS place
FROM claimed AS c;
