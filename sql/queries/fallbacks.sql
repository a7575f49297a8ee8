-- Fallbacks: strings that were served in another locale than the first one of the caller's chain.

-- name: add
-- Adds to the number of responses in which each string fell back.
--
--   :title_ids  bigint[]
--   :wanted     text[]    the first locale of the chain
--   :used       text[]    the locale that has the string
--   :keys       text[]
--   :answers    bigint[]
INSERT INTO fallback AS f (title_id, wanted, used, key, answers)
SELECT
    n.title_id,
    n.wanted,
    n.used,
    n.key,
    n.answers
FROM
    unnest(:title_ids::bigint[], :wanted::text[], :used::text[], :keys::text[], :answers::bigint[])
        AS n (title_id, wanted, used, key, answers)
ON CONFLICT (title_id, wanted, key, used) DO UPDATE SET
    answers = f.answers + excluded.answers,
    last_at = now();

-- name: of_title
-- The strings of a title that fall back most often.
--
--   :title_id  bigint
--   :max_rows  integer
SELECT
    f.key,
    f.wanted,
    f.used,
    f.answers,
    f.last_at
FROM fallback AS f
WHERE f.title_id = :title_id
ORDER BY f.answers DESC, f.key ASC, f.wanted ASC, f.used ASC
LIMIT :max_rows;
