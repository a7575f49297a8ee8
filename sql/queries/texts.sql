-- Strings under translation: each in one locale, with its source, state and revisions.

-- name: get_string
-- One string in one locale, with or without a text; no row if there is no such title.
--
--   :title_id  bigint
--   :locale    text
--   :key       text
--   :other     text    a third locale whose text is added; '' for none
--
-- Reads up to three rows by text_pkey, and the newest revision by text_revision_pkey where there is no text.
SELECT
    :key::text AS key,
    :locale::text AS locale,
    t.default_locale AS source_locale,
    s.text AS source,
    x.text,
    coalesce(x.state, 'missing') AS state,
    coalesce(
        x.version,
        (
            SELECT max(v.version)
            FROM text_revision AS v
            WHERE v.title_id = :title_id AND v.locale = :locale AND v.key = :key
        ),
        0
    ) AS version,
    coalesce(x.source_version <> s.worded_in, FALSE) AS is_stale,
    coalesce(x.remarks, '{}') AS remarks,
    coalesce(overrides_with_names(x.overrides), '{}') AS overrides,
    editor_name(x.actor) AS actor,
    x.at,
    w.text AS other
FROM title AS t
LEFT JOIN text AS s ON t.title_id = s.title_id AND t.default_locale = s.locale AND s.key = :key
LEFT JOIN text AS x ON t.title_id = x.title_id AND x.locale = :locale AND x.key = :key
LEFT JOIN text AS w ON t.title_id = w.title_id AND w.locale = :other AND w.key = :key
WHERE t.title_id = :title_id;

-- name: list_strings
-- Strings of a title in one locale, ordered by key, after a key.
--
--   :title_id  bigint
--   :locale    text
--   :other     text     a third locale whose text is added; '' for none
--   :after     text     the last key of the previous page; '' for the first page
--   :search    text     search text for the key, the source and the text, ignoring case; '' for all
--   :filter    text     '' for all, missing, needs_review, translated, approved, stale, problems, unpublished
--   :known     json     an array of keys to list even without a source: 20 000 take less time than as text[]
--   :max_rows  integer
--
-- Reads and joins all texts of both locales by text_pkey, then up to two rows for each string of the page; the served
-- texts only for "unpublished".
WITH served AS (
    SELECT
        e.key,
        e.value
    FROM title AS t
    INNER JOIN publication AS p ON t.publication_id = p.publication_id
    INNER JOIN release_bundle AS b ON p.title_id = b.title_id AND p.release = b.release AND b.locale = :locale
    INNER JOIN bundle AS u ON b.sha256 = u.sha256
    CROSS JOIN LATERAL jsonb_each_text(u.texts) AS e
    WHERE t.title_id = :title_id AND :filter = 'unpublished'
),

source AS (
    SELECT
        o.key,
        o.text,
        o.worded_in
    FROM title AS t
    INNER JOIN text AS o ON t.title_id = o.title_id AND t.default_locale = o.locale
    WHERE t.title_id = :title_id AND o.key > :after
    UNION ALL
    SELECT
        n.key,
        NULL AS text,
        NULL AS worded_in
    FROM json_array_elements_text(:known::json) AS n (key)
    WHERE
        n.key > :after AND n.key NOT IN (
            SELECT o.key
            FROM title AS t
            INNER JOIN text AS o ON t.title_id = o.title_id AND t.default_locale = o.locale
            WHERE t.title_id = :title_id
        )
),

target AS (
    SELECT
        o.key,
        o.text,
        o.state,
        o.version,
        o.source_version,
        o.remarks,
        o.overrides,
        o.actor,
        o.at
    FROM text AS o
    WHERE o.title_id = :title_id AND o.locale = :locale AND o.key > :after
),

shown AS (
    SELECT
        coalesce(s.key, x.key) AS key,
        s.text AS source,
        x.text,
        x.state,
        x.version,
        x.source_version <> s.worded_in AS is_stale,
        x.remarks,
        x.overrides,
        x.actor,
        x.at
    FROM source AS s
    FULL JOIN target AS x ON s.key = x.key
    WHERE
        (
            :search = ''
            OR strpos(lower(coalesce(s.key, x.key)), lower(:search)) > 0
            OR strpos(lower(s.text), lower(:search)) > 0
            OR strpos(lower(x.text), lower(:search)) > 0
        )
        AND CASE :filter
            WHEN '' THEN TRUE
            WHEN 'missing' THEN x.state IS NULL
            WHEN 'stale' THEN x.source_version <> s.worded_in
            WHEN 'problems' THEN x.remarks <> '{}'
            WHEN 'unpublished'
                THEN CASE
                    WHEN x.text IS NULL THEN s.key IN (SELECT g.key FROM served AS g)
                    ELSE (x.key, x.text) NOT IN (
                        SELECT
                            g.key,
                            g.value
                        FROM served AS g
                    )
                END
            ELSE x.state = :filter
        END
    ORDER BY coalesce(s.key, x.key)
    LIMIT :max_rows
)

SELECT
    k.key,
    :locale::text AS locale,
    t.default_locale AS source_locale,
    k.source,
    k.text,
    coalesce(k.state, 'missing') AS state,
    coalesce(
        k.version,
        (
            SELECT max(v.version)
            FROM text_revision AS v
            WHERE v.title_id = :title_id AND v.locale = :locale AND v.key = k.key
        ),
        0
    ) AS version,
    coalesce(k.is_stale, FALSE) AS is_stale,
    coalesce(k.remarks, '{}') AS remarks,
    coalesce(overrides_with_names(k.overrides), '{}') AS overrides,
    editor_name(k.actor) AS actor,
    k.at,
    w.text AS other
FROM shown AS k
INNER JOIN title AS t ON t.title_id = :title_id
LEFT JOIN text AS w ON t.title_id = w.title_id AND w.locale = :other AND k.key = w.key
ORDER BY k.key;

-- name: states
-- The texts of a title that are not simply translated: a JSON array of locale, key, state, and whether it is stale.
--
--   :title_id  bigint
--
-- Reads the title's texts by text_pkey, each with its source.
SELECT
    convert_to(
        coalesce(
            json_agg(json_build_array(x.locale, x.key, x.state, coalesce(x.source_version <> s.worded_in, FALSE))),
            '[]'
        )::text,
        'UTF8'
    ) AS states
FROM text AS x
INNER JOIN title AS t ON x.title_id = t.title_id
LEFT JOIN text AS s ON t.title_id = s.title_id AND t.default_locale = s.locale AND x.key = s.key
WHERE x.title_id = :title_id AND (x.state <> 'translated' OR x.source_version <> s.worded_in);

-- name: save_string
-- Writes a string in one locale, and its revision, if it is at the version that its writer saw; a row if it was.
--
--   :title_id        bigint
--   :locale          text
--   :key             text
--   :expected        integer  the version that the writer saw; 0 if there never was a text
--   :text            text
--   :state           text
--   :source_version  integer  the version of the source that it translates; NULL for the current one
--   :remarks         text[]
--   :overrides       jsonb
--   :origin          text
--   :actor           text
WITH before AS (
    SELECT greatest(
        (
            SELECT max(v.version)
            FROM text_revision AS v
            WHERE v.title_id = :title_id AND v.locale = :locale AND v.key = :key
        ),
        (
            SELECT o.version
            FROM text AS o
            WHERE o.title_id = :title_id AND o.locale = :locale AND o.key = :key
        ),
        0
    ) AS version
),

written AS (
    INSERT INTO text AS x (
        title_id, locale, key, text, version, state, worded_in, source_version, remarks, overrides, actor
    )
    SELECT
        t.title_id,
        :locale,
        :key,
        :text,
        b.version + 1 AS version,
        :state,
        b.version + 1 AS worded_in,
        coalesce(:source_version::integer, s.worded_in) AS source_version,
        :remarks::text[] AS remarks,
        :overrides::jsonb AS overrides,
        (SELECT editor_pseudonym(:actor)) AS actor
    FROM before AS b
    INNER JOIN title AS t ON t.title_id = :title_id
    LEFT JOIN text AS s
        ON t.title_id = s.title_id AND t.default_locale = s.locale AND s.key = :key AND s.locale <> :locale
    WHERE b.version = :expected::integer
    ON CONFLICT (title_id, locale, key) DO UPDATE
        SET
            text = excluded.text,
            version = excluded.version,
            state = excluded.state,
            worded_in = CASE WHEN x.text = excluded.text THEN x.worded_in ELSE excluded.worded_in END,
            source_version = excluded.source_version,
            remarks = excluded.remarks,
            overrides = excluded.overrides,
            actor = excluded.actor,
            at = now()
        WHERE x.version = :expected::integer
    RETURNING x.title_id, x.locale, x.key, x.version, x.text, x.state, x.source_version, x.overrides, x.actor
),

revised AS (
    INSERT INTO text_revision (
        title_id, locale, key, version, text, state, source_version, overrides, origin, actor
    )
    SELECT
        w.title_id,
        w.locale,
        w.key,
        w.version,
        w.text,
        w.state,
        w.source_version,
        w.overrides,
        :origin,
        w.actor
    FROM written AS w
)

UPDATE title
SET catalog_version = title.catalog_version + 1
FROM written AS w
WHERE title.title_id = w.title_id
RETURNING w.version;

-- name: history
-- The revisions of one string in one locale, newest first.
--
--   :title_id  bigint
--   :locale    text
--   :key       text
--   :before    integer  only revisions of a lower version
--   :max_rows  integer
--
-- Reads by text_revision_pkey.
SELECT
    r.version,
    r.text,
    r.state,
    r.source_version,
    overrides_with_names(r.overrides) AS overrides,
    r.origin,
    editor_name(r.actor) AS actor,
    r.batch_id,
    r.at
FROM text_revision AS r
WHERE r.title_id = :title_id AND r.locale = :locale AND r.key = :key AND r.version < :before
ORDER BY r.version DESC
LIMIT :max_rows;

-- name: coverage
-- The coverage of these titles: a row for each title and locale with a text, in the draft or served.
--
--   :title_ids  bigint[]
--
-- Reads the titles' texts by text_pkey, each with its source, and the bundles that are served.
WITH draft AS (
    SELECT
        x.title_id,
        x.locale,
        count(*) FILTER (WHERE x.state = 'translated') AS translated,
        count(*) FILTER (WHERE x.state = 'approved') AS approved,
        count(*) FILTER (WHERE x.state = 'needs_review') AS needs_review,
        count(*) FILTER (WHERE x.source_version <> s.worded_in) AS stale,
        count(*) FILTER (WHERE x.remarks <> '{}') AS problems,
        max(x.at) AS changed_at
    FROM title AS t
    INNER JOIN text AS x ON t.title_id = x.title_id
    LEFT JOIN text AS s ON t.title_id = s.title_id AND t.default_locale = s.locale AND x.key = s.key
    WHERE t.title_id = any(:title_ids::bigint[])
    GROUP BY x.title_id, x.locale
),

served AS (
    SELECT
        t.title_id,
        b.locale,
        (
            SELECT count(*)
            FROM jsonb_object_keys(u.texts)
        ) AS published
    FROM title AS t
    INNER JOIN publication AS p ON t.publication_id = p.publication_id
    INNER JOIN release_bundle AS b ON p.title_id = b.title_id AND p.release = b.release
    INNER JOIN bundle AS u ON b.sha256 = u.sha256
    WHERE t.title_id = any(:title_ids::bigint[])
)

SELECT
    coalesce(e.title_id, s.title_id) AS title_id,
    coalesce(e.locale, s.locale) AS locale,
    coalesce(s.published, 0) AS published,
    coalesce(e.translated, 0) AS translated,
    coalesce(e.approved, 0) AS approved,
    coalesce(e.needs_review, 0) AS needs_review,
    coalesce(e.stale, 0) AS stale,
    coalesce(e.problems, 0) AS problems,
    e.changed_at
FROM draft AS e
FULL JOIN served AS s ON e.title_id = s.title_id AND e.locale = s.locale
ORDER BY coalesce(e.title_id, s.title_id), coalesce(e.locale, s.locale);

-- name: titles
-- All titles: the name in the default locale, the state of the draft, and the served release.
SELECT
    t.title_id,
    x.text AS name,
    t.default_locale,
    t.catalog_version,
    t.publish_from,
    coalesce(p.release, 0) AS release
FROM title AS t
LEFT JOIN publication AS p ON t.publication_id = p.publication_id
LEFT JOIN text AS x ON t.title_id = x.title_id AND t.default_locale = x.locale AND x.key = 'title/name'
ORDER BY t.title_id;
