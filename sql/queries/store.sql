-- The write path: states, replays and the compare-and-set write of core/events/store.py.

-- name: states
-- The state of each player in one title, in the order of the players; NULLs where nothing is stored.
-- A new player begins above the revisions of all who were erased, so that nothing cached of one is used for another.
--
--   :players    text[]    one of each for each player:
--   :title_ids  bigint[]
--
-- Index: player_pkey and progress_pkey, one probe a player.
SELECT
    coalesce(w.revision, e.revision) AS revision,
    (SELECT i.incarnation_id FROM incarnation AS i) AS incarnation,
    w.player IS NOT NULL AS player_exists,
    p.player IS NOT NULL AS in_title,
    p.created_at,
    p.unlocked,
    p.unlocked_at,
    p.standings,
    p.profile
FROM
    unnest(:players::text[], :title_ids::bigint[]) WITH ORDINALITY AS k (player, title_id, place)
LEFT JOIN player AS w ON k.player = w.player
CROSS JOIN erasure AS e
LEFT JOIN progress AS p ON k.player = p.player AND k.title_id = p.title_id
ORDER BY k.place;

-- name: find_replays
-- The first event under each of these idempotency keys that was used before.
--
--   :players    text[]    one of each for each key:
--   :title_ids  bigint[]
--   :metrics    text[]
--   :keys       text[]
--
-- Index: idempotency_pkey, one probe a key.
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

-- name: find_committed
-- Which of these events are in the log, for a writer that lost its connection before the answer.
--
--   :players    text[]    one of each for each event:
--   :title_ids  bigint[]
--   :metrics    text[]
--   :ats        bigint[]
--   :event_ids  uuid[]
--
-- Index: event_pkey of each month, one probe an event.
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

-- name: write_changes
-- Writes the changes of several players, of each player all or nothing; returns the places of those written.
--
-- A player is written if the row still has the revision that the change was evaluated from, in the same incarnation of
-- the database, and no event of the change repeats a stored idempotency key. Nobody else can then have written
-- anything of that player in between.
-- Players are ordered by name, so that two of these statements lock their rows in the same order.
--
--   :players        text[]     one of each for each player, no player twice:
--   :title_ids      bigint[]
--   :expected       bigint[]   the revision that the change was evaluated from
--   :incarnations   bigint[]   the incarnation of the database in which it was read
--   :player_exists  boolean[]  whether there is a row of the player
--   :in_title       boolean[]  whether there is one in this title
--   :standings      text[]     JSON of the measure values that change, NULL for none
--   :profiles       text[]     JSON of the profile, NULL if it stays
--   :created        bigint[]   ticks of the player's first time in the title
--
--   :unlock_places   integer[]  whose, counted from 1; one of each for each unlock, in their order:
--   :unlock_numbers  integer[]  the achievement, as it is stored
--   :unlock_ats      bigint[]   ticks
--   :unlock_notify   boolean[]  whether webhooks are notified
--
--   :event_places      integer[]  one of each for each event:
--   :event_metrics     text[]
--   :event_ats         bigint[]
--   :event_ids         uuid[]
--   :event_amounts     numeric[]
--   :event_attributes  text[]     JSON, NULL for none
--
--   :day_places   integer[]  one of each for each day of each metric:
--   :day_metrics  text[]
--   :days         date[]
--   :day_changes  numeric[]
--   :day_actives  boolean[]
--
--   :key_places   integer[]  one of each for each idempotency key:
--   :key_metrics  text[]
--   :keys         text[]
--   :key_events   uuid[]
--
-- Updates one row of player, progress and metric_day for an event in the common case, and inserts one into event.
WITH pending AS (
    SELECT
        a.player,
        a.title_id,
        a.expected,
        a.player_exists,
        a.in_title,
        a.standings,
        a.profile,
        a.created_at,
        a.place
    FROM
        unnest(
            :players::text[],
            :title_ids::bigint[],
            :expected::bigint[],
            :incarnations::bigint[],
            :player_exists::boolean[],
            :in_title::boolean[],
            :standings::text[],
            :profiles::text[],
            :created::bigint[]
        ) WITH ORDINALITY AS a (
            player, title_id, expected, incarnation, player_exists, in_title, standings, profile, created_at, place
        )
    WHERE a.incarnation = (SELECT i.incarnation_id FROM incarnation AS i)
),

keyed AS (
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
    INNER JOIN pending AS a ON k.place = a.place
),

replayed AS (
    SELECT t.place
    FROM keyed AS t
    INNER JOIN idempotency AS i
        ON
            t.player = i.player
            AND t.title_id = i.title_id
            AND t.metric = i.metric
            AND t.key = i.key
),

updated AS (
    UPDATE player AS w
    SET revision = w.revision + 1
    FROM pending AS a
    WHERE
        a.player = w.player
        AND a.player_exists
        AND w.revision = a.expected
        AND a.place NOT IN (SELECT r.place FROM replayed AS r)
    RETURNING a.place
),

inserted AS (
    INSERT INTO player (player, revision)
    SELECT
        a.player,
        a.expected + 1 AS revision
    FROM pending AS a
    CROSS JOIN erasure AS e
    WHERE
        NOT a.player_exists
        AND a.expected = e.revision
        AND a.place NOT IN (SELECT r.place FROM replayed AS r)
    ON CONFLICT (player) DO NOTHING
    RETURNING player
),

written AS (
    SELECT
        a.player,
        a.title_id,
        a.expected,
        a.in_title,
        a.standings,
        a.profile,
        a.created_at,
        a.place
    FROM pending AS a
    LEFT JOIN updated AS r ON a.place = r.place
    LEFT JOIN inserted AS m ON a.player = m.player
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
        u.is_notified,
        u.turn
    FROM
        unnest(:unlock_places::integer[], :unlock_numbers::integer[], :unlock_ats::bigint[], :unlock_notify::boolean[])
        WITH ORDINALITY AS u (place, number, at, is_notified, turn)
    INNER JOIN written AS c ON u.place = c.place
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

saved_progress AS (
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
    FROM written AS c
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

saved_events AS (
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
    INNER JOIN written AS c ON e.place = c.place
),

saved_days AS (
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
    INNER JOIN written AS c ON d.place = c.place
    ON CONFLICT (player, title_id, metric, day) DO UPDATE SET
        change = m.change + excluded.change,
        is_active = m.is_active OR excluded.is_active
),

saved_keys AS (
    INSERT INTO idempotency (player, title_id, metric, key, event_id)
    SELECT
        t.player,
        t.title_id,
        t.metric,
        t.key,
        t.event_id
    FROM keyed AS t
    INNER JOIN written AS c ON t.place = c.place
),

saved_deltas AS (
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
    FROM written AS c
    WHERE NOT c.in_title
),

saved_messages AS (
    INSERT INTO outbox (player, title_id, number, webhook_id, at)
    SELECT
        u.player,
        u.title_id,
        u.number::bigint & 4294967295 AS number,
        h.webhook_id,
        u.at
    FROM unlocked AS u
    INNER JOIN webhook AS h ON u.title_id = h.title_id
    WHERE u.is_notified
    ON CONFLICT (player, title_id, number, webhook_id) DO NOTHING
)

SELECT c.place::integer AS place
FROM written AS c;
