-- The catalogue as it is being edited: titles, achievements and texts, one row each.

-- name: titles
-- Every title that there is, and the newest release served of it (0 before the first publish).
SELECT
    t.title_id,
    t.scid::text AS scid,
    t.default_locale,
    t.kind,
    t.platform,
    t.version,
    t.text_unit,
    t.trust,
    t.metrics,
    t.attributes,
    coalesce(p.release, 0) AS release
FROM title AS t
LEFT JOIN publication AS p ON t.publication_id = p.publication_id
ORDER BY t.title_id;

-- name: title
-- One title.
--
--   :title_id  bigint
SELECT
    t.title_id,
    t.scid::text AS scid,
    t.default_locale,
    t.kind,
    t.platform,
    t.version,
    t.text_unit,
    t.trust,
    t.metrics,
    t.attributes,
    coalesce(p.release, 0) AS release
FROM title AS t
LEFT JOIN publication AS p ON t.publication_id = p.publication_id
WHERE t.title_id = :title_id;

-- name: known_titles
-- Which of these titles there are.
--
--   :title_ids  bigint[]
SELECT t.title_id
FROM title AS t
WHERE t.title_id = any(:title_ids::bigint[]);

-- name: lock_title
-- Lets one import or publish at a time change a title. (0 rows: there is no such title yet.)
--
--   :title_id  bigint
SELECT t.title_id
FROM title AS t
WHERE t.title_id = :title_id
FOR UPDATE;

-- name: definitions
-- The definitions of a title's achievements, ordered by number.
--
--   :title_id  bigint
SELECT
    a.number,
    a.definition
FROM achievement AS a
WHERE a.title_id = :title_id
ORDER BY a.number;

-- name: texts
-- Every text of a title.
--
--   :title_id  bigint
SELECT
    x.locale,
    x.key,
    x.text
FROM text AS x
WHERE x.title_id = :title_id
ORDER BY x.locale, x.key;

-- name: put_title
-- Adds a title or changes one.
INSERT INTO title (title_id, scid, default_locale, kind, platform, version, text_unit, trust, metrics, attributes)
VALUES (
    :title_id,
    :scid::text::uuid,
    :default_locale,
    :kind,
    :platform,
    :version,
    :text_unit,
    :trust,
    :metrics::jsonb,
    :attributes::jsonb
)
ON CONFLICT (title_id) DO UPDATE SET
    scid = excluded.scid,
    default_locale = excluded.default_locale,
    kind = excluded.kind,
    platform = excluded.platform,
    version = excluded.version,
    text_unit = excluded.text_unit,
    trust = excluded.trust,
    metrics = excluded.metrics,
    attributes = excluded.attributes;

-- name: put_definitions
-- Adds achievements or changes them.
--
--   :title_id     bigint
--   :numbers      bigint[]
--   :public_ids   text[]
--   :definitions  text[]    JSON, in the order of the numbers
INSERT INTO achievement (title_id, number, public_id, definition)
SELECT
    :title_id,
    n.number,
    n.public_id,
    n.definition::jsonb
FROM unnest(:numbers::bigint[], :public_ids::text[], :definitions::text[]) AS n (number, public_id, definition)
ON CONFLICT (title_id, number) DO UPDATE SET
    public_id = excluded.public_id,
    definition = excluded.definition;

-- name: put_texts
-- Adds texts or changes them; an unchanged one keeps its version.
--
--   :title_id  bigint
--   :locales   text[]
--   :keys      text[]
--   :texts     text[]
INSERT INTO text (title_id, locale, key, text)
SELECT
    :title_id,
    n.locale,
    n.key,
    n.text
FROM unnest(:locales::text[], :keys::text[], :texts::text[]) AS n (locale, key, text)
ON CONFLICT (title_id, locale, key) DO UPDATE SET
    text = excluded.text,
    version = text.version + 1
WHERE text.text <> excluded.text;

-- name: drop_texts
-- Takes texts away.
--
--   :title_id  bigint
--   :locales   text[]
--   :keys      text[]  one for each locale
DELETE FROM text AS x
USING unnest(:locales::text[], :keys::text[]) AS n (locale, key)
WHERE x.title_id = :title_id AND x.locale = n.locale AND x.key = n.key;
