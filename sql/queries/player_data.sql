-- All data of one player, to export or erase.

-- name: get_revision
-- The revision of a player; no row if the player has no data.
--
--   :player  text
SELECT w.revision
FROM player AS w
WHERE w.player = :player;

-- name: is_editor
-- Whether somebody of this name changed texts, published, or signed in to the workbench.
--
--   :player  text
SELECT
    EXISTS (SELECT FROM editor AS e WHERE e.name = :player)
    OR EXISTS (SELECT FROM session AS s WHERE s.name = :player) AS is_editor;

-- name: lock_player
-- The revision of a player, locked until the transaction ends.
--
--   :player  text
SELECT w.revision
FROM player AS w
WHERE w.player = :player
FOR UPDATE;

-- name: progress
-- The player's progress in each title.
SELECT
    jsonb_build_object(
        'title_id', p.title_id,
        'revision', p.revision,
        'created_at', p.created_at,
        'unlocked', p.unlocked,
        'unlocked_at', p.unlocked_at,
        'currents', p.currents,
        'standings', p.standings,
        'profile', p.profile
    ) AS document
FROM progress AS p
WHERE p.player = :player
ORDER BY p.title_id;

-- name: metric_days
-- The player's daily totals.
SELECT
    jsonb_build_object(
        'title_id', d.title_id, 'metric', d.metric, 'day', d.day, 'change', d.change::text, 'is_active', d.is_active
    ) AS document
FROM metric_day AS d
WHERE d.player = :player
ORDER BY d.title_id, d.metric, d.day;

-- name: events
-- The player's events.
SELECT
    jsonb_build_object(
        'title_id', e.title_id,
        'event_id', e.event_id,
        'metric', e.metric,
        'at', e.at,
        'recorded_at', e.recorded_at,
        'amount', e.amount::text,
        'attributes', e.attributes
    ) AS document
FROM event AS e
WHERE e.player = :player
ORDER BY e.title_id, e.at, e.event_id;

-- name: idempotency_keys
-- The idempotency keys of the player's events.
SELECT
    jsonb_build_object(
        'title_id', i.title_id, 'metric', i.metric, 'key', i.key, 'event_id', i.event_id
    ) AS document
FROM idempotency AS i
WHERE i.player = :player
ORDER BY i.title_id, i.metric, i.key;

-- name: outbox
-- The player's pending deliveries to webhooks.
SELECT
    jsonb_build_object(
        'title_id', o.title_id, 'number', o.number, 'webhook_id', o.webhook_id, 'at', o.at, 'attempts', o.attempts
    ) AS document
FROM outbox AS o
WHERE o.player = :player
ORDER BY o.title_id, o.number, o.webhook_id;

-- name: api_keys
-- The API keys that are limited to the player, without their secret part.
SELECT
    jsonb_build_object(
        'title_id', k.title_id, 'key_id', k.key_id, 'prefix', k.prefix, 'created', k.created_at
    ) AS document
FROM api_key AS k
WHERE k.of_player = :player
ORDER BY k.created_at, k.key_id;

-- name: user_contexts
-- The player's user contexts.
SELECT
    jsonb_build_object(
        'title_id', c.title_id,
        'uuid', c.uuid,
        'display_name', c.display_name,
        'is_active', c.is_active,
        'scopes', c.scopes
    ) AS document
FROM user_context AS c
WHERE c.of_player = :player
ORDER BY c.context_id;

-- name: revoked_badges
-- The player's revoked credentials with their reasons.
SELECT
    jsonb_build_object(
        'title_id', r.title_id, 'number', r.number, 'reason', r.reason, 'revoked', r.revoked_at
    ) AS document
FROM revoked_badge AS r
WHERE r.player = :player
ORDER BY r.title_id, r.number;

-- name: text_revisions
-- What the player changed in texts.
SELECT
    jsonb_build_object(
        'title_id', r.title_id,
        'locale', r.locale,
        'key', r.key,
        'version', r.version,
        'text', r.text,
        'state', r.state,
        'overrides', overrides_with_names(r.overrides),
        'origin', r.origin,
        'changed', r.at
    ) AS document
FROM text_revision AS r
INNER JOIN editor AS e ON r.actor = e.editor_id
WHERE e.name = :player
ORDER BY r.at, r.title_id, r.locale, r.key, r.version;

-- name: publications
-- What the player published and rolled back.
SELECT
    jsonb_build_object(
        'title_id', p.title_id, 'release', p.release, 'published', p.at, 'note', p.note
    ) AS document
FROM publication AS p
INNER JOIN editor AS e ON p.actor = e.editor_id
WHERE e.name = :player
ORDER BY p.publication_id;

-- name: scheduled_publishes
-- The publishes that the player scheduled.
SELECT
    jsonb_build_object(
        'title_id', s.title_id, 'due', s.due_at, 'status', s.status, 'note', s.note
    ) AS document
FROM scheduled_publish AS s
INNER JOIN editor AS e ON s.actor = e.editor_id
WHERE e.name = :player
ORDER BY s.schedule_id;

-- name: import_batches
-- The files of texts that the player read in or applied.
SELECT
    jsonb_build_object(
        'title_id', b.title_id,
        'batch_id', b.batch_id,
        'format', b.format,
        'read', CASE WHEN b.actor = e.editor_id THEN b.at END,
        'applied', CASE WHEN b.applied_by = e.editor_id THEN b.applied_at END
    ) AS document
FROM import_batch AS b
INNER JOIN editor AS e ON b.actor = e.editor_id OR b.applied_by = e.editor_id
WHERE e.name = :player
ORDER BY b.batch_id;

-- name: sessions
-- The player's sessions of the workbench.
SELECT
    jsonb_build_object(
        'created', s.created_at, 'used', s.used_at, 'expires', s.expires_at
    ) AS document
FROM session AS s
WHERE s.name = :player
ORDER BY s.created_at;

-- name: count_progress
-- The number of titles and unlocks of the player.
--
--   :player  text
SELECT
    count(*)::integer AS titles,
    coalesce(sum(cardinality(p.unlocked)), 0)::integer AS unlocks
FROM progress AS p
WHERE p.player = :player;

-- name: keep_revision
-- Keeps the revision of an erased player, above which new players begin.
--
--   :revision  bigint
UPDATE erasure
SET revision = greatest(erasure.revision, :revision)
WHERE erasure.is_only_row;

-- name: subtract_from_counts
-- Removes the player and their unlocks from the counts.
--
--   :player  text
INSERT INTO completion_delta (title_id, number, change)
SELECT
    p.title_id,
    0 AS number,
    -1 AS change
FROM progress AS p
WHERE p.player = :player
UNION ALL
SELECT
    p.title_id,
    u.number::bigint & 4294967295 AS number,
    -1 AS change
FROM progress AS p
CROSS JOIN LATERAL unnest(p.unlocked) AS u (number)
WHERE p.player = :player;

-- name: erase_events
DELETE FROM event AS e
WHERE e.player = :player;

-- name: erase_days
DELETE FROM metric_day AS d
WHERE d.player = :player;

-- name: erase_idempotency
DELETE FROM idempotency AS i
WHERE i.player = :player;

-- name: erase_outbox
DELETE FROM outbox AS o
WHERE o.player = :player;

-- name: erase_progress
DELETE FROM progress AS p
WHERE p.player = :player;

-- name: erase_keys
DELETE FROM api_key AS k
WHERE k.of_player = :player;

-- name: erase_contexts
DELETE FROM user_context AS c
WHERE c.of_player = :player;

-- name: erase_badges
DELETE FROM revoked_badge AS r
WHERE r.player = :player;

-- name: erase_editor
-- Breaks the link between the player and the pseudonym in histories.
DELETE FROM editor AS e
WHERE e.name = :player;

-- name: erase_sessions
DELETE FROM session AS s
WHERE s.name = :player;

-- name: erase_backfill_positions
-- Begins again with backfills that stopped at the player: nobody is awarded twice.
UPDATE backfill
SET position = NULL
WHERE backfill.position = :player;

-- name: erase_tenure_cursors
-- Moves cursors that stopped at the player to before those who arrived at the same moment, who are visited once more.
UPDATE age_watch
SET player_name = ''
WHERE age_watch.player_name = :player;

-- name: erase_player
DELETE FROM player AS w
WHERE w.player = :player;
