-- Drafts: titles, achievements and texts as they are being edited, one row each.

-- name: titles
-- All titles, with the release that is served (0 before the first publish).
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
-- Those of these titles that exist.
--
--   :title_ids  bigint[]
SELECT t.title_id
FROM title AS t
WHERE t.title_id = any(:title_ids::bigint[]);

-- name: lock_title
-- Locks a title, so that one import, edit or publish at a time changes it; no row if there is no such title.
-- Rows that refer to the title can be added meanwhile, so players are not blocked.
--
--   :title_id  bigint
SELECT t.title_id
FROM title AS t
WHERE t.title_id = :title_id
FOR NO KEY UPDATE;

-- name: definitions
-- The definitions of a title's achievements as one JSON array, ordered by number.
--
--   :title_id  bigint
SELECT convert_to(coalesce(json_agg(a.definition ORDER BY a.number), '[]')::text, 'UTF8') AS definitions
FROM achievement AS a
WHERE a.title_id = :title_id;

-- name: texts
-- Every text of a title: a row for each locale, with a JSON object of its texts by key.
--
--   :title_id  bigint
SELECT
    x.locale,
    convert_to(json_object_agg(x.key, x.text ORDER BY x.key)::text, 'UTF8') AS texts
FROM text AS x
WHERE x.title_id = :title_id
GROUP BY x.locale
ORDER BY x.locale;

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

-- name: raise_catalog_version
-- Raises the catalog version after a change of the draft, which makes earlier reports and pages outdated.
--
--   :title_id  bigint
UPDATE title
SET catalog_version = title.catalog_version + 1
WHERE title.title_id = :title_id;

-- name: put_texts
-- Adds or changes texts, each with its revision; a text that does not change keeps its version.
-- Texts of the default locale must be written before their translations.
--
--   :title_id  bigint
--   :locales   text[]
--   :keys      text[]
--   :texts     text[]
--   :states    text[]
--   :is_stale  boolean[]  whether it translates another source text than the current one
--   :remarks   text[]     the rules that each text breaks, separated by spaces
--   :origin    text
--   :actor     text
--   :batch_id  bigint     NULL for none
--
-- Reads one row per text by text_pkey, and one for its source; the newest revision of a new one by text_revision_pkey.
-- The limits force one index probe per text: without them, the plan for few texts joins every text with every other.
WITH written AS (
    INSERT INTO text AS x (title_id, locale, key, text, version, state, worded_in, source_version, remarks, actor)
    SELECT
        t.title_id,
        n.locale,
        n.key,
        n.text,
        coalesce(o.version, r.version, 0) + 1 AS version,
        n.state,
        CASE WHEN o.text = n.text THEN o.worded_in ELSE coalesce(o.version, r.version, 0) + 1 END AS worded_in,
        CASE WHEN s.worded_in IS NOT NULL AND n.is_stale THEN 0 ELSE s.worded_in END AS source_version,
        string_to_array(n.remarks, ' ') AS remarks,
        (SELECT editor_pseudonym(:actor)) AS actor
    FROM
        unnest(:locales::text[], :keys::text[], :texts::text[], :states::text[], :is_stale::boolean[], :remarks::text[])
            AS n (locale, key, text, state, is_stale, remarks)
    INNER JOIN title AS t ON t.title_id = :title_id
    LEFT JOIN LATERAL (
        SELECT
            y.version,
            y.text,
            y.worded_in
        FROM text AS y
        WHERE y.title_id = t.title_id AND y.locale = n.locale AND y.key = n.key
        ORDER BY y.version
        LIMIT 1
    ) AS o ON TRUE
    LEFT JOIN LATERAL (
        SELECT y.worded_in
        FROM text AS y
        WHERE y.title_id = t.title_id AND y.locale = t.default_locale AND y.key = n.key AND n.locale <> t.default_locale
        ORDER BY y.version
        LIMIT 1
    ) AS s ON TRUE
    LEFT JOIN LATERAL (
        SELECT v.version
        FROM text_revision AS v
        WHERE v.title_id = t.title_id AND v.locale = n.locale AND v.key = n.key
        ORDER BY v.version DESC
        LIMIT 1
    ) AS r ON o.version IS NULL
    ON CONFLICT (title_id, locale, key) DO UPDATE
        SET
            text = excluded.text,
            version = excluded.version,
            state = excluded.state,
            worded_in = excluded.worded_in,
            source_version = excluded.source_version,
            remarks = excluded.remarks,
            overrides = '{}',
            actor = excluded.actor,
            at = now()
        WHERE (x.text, x.state, x.source_version)
        IS DISTINCT FROM (excluded.text, excluded.state, excluded.source_version)
    RETURNING x.title_id, x.locale, x.key, x.version, x.text, x.state, x.source_version
)

INSERT INTO text_revision (title_id, locale, key, version, text, state, source_version, origin, actor, batch_id)
SELECT
    w.title_id,
    w.locale,
    w.key,
    w.version,
    w.text,
    w.state,
    w.source_version,
    :origin,
    (SELECT editor_pseudonym(:actor)) AS actor,
    :batch_id
FROM written AS w;

-- name: drop_texts
-- Deletes texts, and adds a revision without text for each.
--
--   :title_id  bigint
--   :locales   text[]
--   :keys      text[]  one for each locale
--   :origin    text
--   :actor     text
--   :batch_id  bigint  NULL for none
WITH dropped AS (
    DELETE FROM text AS x
    USING unnest(:locales::text[], :keys::text[]) AS n (locale, key)
    WHERE x.title_id = :title_id AND x.locale = n.locale AND x.key = n.key
    RETURNING x.title_id, x.locale, x.key, x.version
)

INSERT INTO text_revision (title_id, locale, key, version, state, origin, actor, batch_id)
SELECT
    d.title_id,
    d.locale,
    d.key,
    d.version + 1 AS version,
    'missing' AS state,
    :origin,
    (SELECT editor_pseudonym(:actor)) AS actor,
    :batch_id
FROM dropped AS d;

-- name: unready
-- The texts of a title that are not ready to be published: a JSON array of locale and key.
--
--   :title_id  bigint
SELECT convert_to(coalesce(json_agg(json_build_array(x.locale, x.key)), '[]')::text, 'UTF8') AS places
FROM text AS x
INNER JOIN title AS t ON x.title_id = t.title_id
WHERE
    x.title_id = :title_id
    AND (
        x.state = 'needs_review'
        OR (t.publish_from = 'approved' AND x.state <> 'approved' AND x.locale <> t.default_locale)
    );

-- name: set_publish_from
-- Chooses which texts the next releases of a title take.
--
--   :title_id      bigint
--   :publish_from  text
UPDATE title
SET
    publish_from = :publish_from,
    catalog_version = title.catalog_version + 1
WHERE title.title_id = :title_id;

-- name: draft_status
-- The version of a title's draft, and which texts its releases take.
--
--   :title_id  bigint
SELECT
    t.title_id,
    t.default_locale,
    t.catalog_version,
    t.publish_from
FROM title AS t
WHERE t.title_id = :title_id;
