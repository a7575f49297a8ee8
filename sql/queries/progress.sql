-- Progress of players. Every statement is limited to players; none joins two of them.

-- name: in_titles
-- The progress of each player in one title. Arrays are NULL if the progress is not newer than :known, because the
-- caller has cached them. No row without progress.
--
--   :players    text[]
--   :title_ids  bigint[]  one for each player
--   :known      bigint[]  the revision that the caller has cached, -1 for none; one for each player
--
-- Index: progress_pkey, one probe per player (tests/db/test_plans.py).
SELECT
    k.question,
    p.revision,
    CASE WHEN p.revision > k.known THEN p.unlocked END AS unlocked,
    CASE WHEN p.revision > k.known THEN p.unlocked_at END AS unlocked_at,
    CASE WHEN p.revision > k.known THEN p.unlocked_in END AS unlocked_in,
    CASE WHEN p.revision > k.known THEN p.currents END AS currents,
    CASE WHEN p.revision > k.known THEN p.standings END AS standings,
    CASE WHEN p.revision > k.known THEN p.profile END AS profile,
    p.created_at
FROM
    unnest(:players::text[], :title_ids::bigint[], :known::bigint[])
    WITH ORDINALITY AS k (player, title_id, known, question)
INNER JOIN progress AS p ON k.player = p.player AND k.title_id = p.title_id;

-- name: changes
-- Changes in all titles of each player since a revision: one row per changed title, or one row with a NULL title if
-- nothing changed. No row for a player without progress.
--
--   :players  text[]
--   :known    bigint[]  the revision that the caller has cached, -1 for none; one for each player
--
-- Index: player_pkey, and progress_pkey only for players with a newer revision.
SELECT
    k.question,
    w.revision AS player_revision,
    p.title_id,
    p.revision,
    p.unlocked,
    p.unlocked_at,
    p.unlocked_in,
    p.currents,
    p.standings,
    p.profile,
    p.created_at
FROM unnest(:players::text[], :known::bigint[]) WITH ORDINALITY AS k (player, known, question)
INNER JOIN player AS w ON k.player = w.player
LEFT JOIN LATERAL (
    SELECT
        q.title_id,
        q.revision,
        q.unlocked,
        q.unlocked_at,
        q.unlocked_in,
        q.currents,
        q.standings,
        q.profile,
        q.created_at
    FROM progress AS q
    WHERE q.player = k.player AND w.revision > k.known AND q.revision > k.known
    ORDER BY q.title_id
    OFFSET 0 -- keeps the planner from reading all titles of an unchanged player and filtering them afterwards
) AS p ON TRUE;

-- name: next_revision
-- The player's next revision, for a new player above those of all who were erased; locks the player until the
-- transaction ends.
--
--   :player  text
INSERT INTO player (player, revision)
SELECT
    :player,
    e.revision + 1 AS revision
FROM erasure AS e
WHERE e.is_only_row
ON CONFLICT (player) DO UPDATE SET revision = player.revision + 1
RETURNING player.revision;

-- name: put_progress
-- Replaces the progress of one player in one title.
--
--   :player       text
--   :title_id     bigint
--   :revision     bigint     the player's revision of this write
--   :unlocked     integer[]  and its parallel arrays :unlocked_at, :unlocked_in
--   :currents     json       NULL for none
INSERT INTO progress (player, title_id, revision, unlocked, unlocked_at, unlocked_in, currents)
VALUES (
    :player,
    :title_id,
    :revision,
    :unlocked::integer[],
    :unlocked_at::bigint[],
    :unlocked_in::integer[],
    :currents::json
)
ON CONFLICT (player, title_id) DO UPDATE SET
    revision = excluded.revision,
    unlocked = excluded.unlocked,
    unlocked_at = excluded.unlocked_at,
    unlocked_in = excluded.unlocked_in,
    currents = excluded.currents;

-- name: add_holder_deltas
-- Adds deltas to the numbers of players who hold these achievements (number 0: who have progress in the title).
--
--   :title_id  bigint
--   :numbers   bigint[]
--   :changes   integer[]
INSERT INTO completion_delta (title_id, number, change)
SELECT
    :title_id,
    n.number,
    n.change
FROM unnest(:numbers::bigint[], :changes::integer[]) AS n (number, change);

-- name: revisions
-- The revision of each player; no row for a player without data.
--
--   :players  text[]
--
-- Index: player_pkey, one probe per player.
SELECT
    p.player,
    p.revision
FROM player AS p
WHERE p.player = any(:players::text[]);
