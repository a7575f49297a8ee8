-- Players' rows. Every statement begins with the player; nothing joins two of them.

-- name: in_titles
-- What each player has in one title, a row a question. Arrays are NULL where nothing is newer than :known:
-- the caller holds them already, or only wants to know that nothing has changed. No row for no progress.
--
--   :players    text[]    whose
--   :title_ids  bigint[]  in which title; one for each player
--   :known      bigint[]  the revision that the caller holds, -1 for none; one for each player
--
-- Reads one row a question by progress_pkey (held by tests/db/test_plans.py).
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
-- What changed in all titles of each player since a revision: one row a changed title; one row with a NULL title
-- where nothing did. No row for a player who has nothing.
--
--   :players  text[]
--   :known    bigint[]  the revision that the caller holds, -1 for none; one for each player
--
-- Reads the player's row by player_pkey, and only if that is newer, the player's titles by progress_pkey.
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
    OFFSET 0 -- keeps the comparison inside: otherwise all titles of an unchanged player are read and thrown away
) AS p ON TRUE;

-- name: next_revision
-- Takes the player's next revision and holds the player's row until the transaction ends.
--
--   :player  text
INSERT INTO player (player, revision)
VALUES (:player, 1)
ON CONFLICT (player) DO UPDATE SET revision = player.revision + 1
RETURNING player.revision;

-- name: put_progress
-- Writes one player's row in one title, whole.
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

-- name: add_completions
-- Notes that so many more players hold these achievements (number 0: have anything in the title).
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
-- The revision of each of these players; no row for one who has nothing.
--
--   :players  text[]
--
-- Reads one row a player by player_pkey.
SELECT
    p.player,
    p.revision
FROM player AS p
WHERE p.player = any(:players::text[]);
