-- User contexts of titles' applications (core/auth/user_contexts.py).

-- name: by_uuid
-- The contexts of these titles and UUIDs.
--
--   :title_ids  bigint[]  one of each for each context
--   :uuids      uuid[]
--
-- Index: uuid_names_one_context, one probe a context.
SELECT
    c.context_id,
    c.title_id,
    c.uuid,
    c.of_player AS player,
    c.display_name,
    c.is_active,
    c.scopes
FROM unnest(:title_ids::bigint[], :uuids::uuid[]) AS k (title_id, uuid)
INNER JOIN user_context AS c ON k.title_id = c.title_id AND k.uuid = c.uuid;

-- name: by_id
-- One context of a title.
--
--   :title_id    bigint
--   :context_id  bigint
--
-- Index: user_context_pkey.
SELECT
    c.context_id,
    c.title_id,
    c.uuid,
    c.of_player AS player,
    c.display_name,
    c.is_active,
    c.scopes
FROM user_context AS c
WHERE c.title_id = :title_id AND c.context_id = :context_id;

-- name: put
-- Creates or replaces a context.
--
--   :title_id      bigint
--   :uuid          uuid
--   :player        text
--   :display_name  text
--   :is_active     boolean
--   :scopes        text[]
INSERT INTO user_context AS c (title_id, uuid, of_player, display_name, is_active, scopes)
VALUES (
    :title_id::bigint, :uuid::uuid, :player::text, :display_name::text, :is_active::boolean, :scopes::text[]
)
ON CONFLICT (title_id, uuid) DO UPDATE
    SET
        of_player = excluded.of_player,
        display_name = excluded.display_name,
        is_active = excluded.is_active,
        scopes = excluded.scopes
RETURNING
    c.context_id,
    c.title_id,
    c.uuid,
    c.of_player AS player,
    c.display_name,
    c.is_active,
    c.scopes;
