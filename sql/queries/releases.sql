-- Releases and publications: what was published, what is served, and the bundles of texts of each release.

-- name: published_since
-- The served release, with its definitions, of each title that was published after :version.
--
--   :version  bigint  a publication number; 0 for everything
--
-- Reads publication once by publication_pkey, and one release per title by release_pkey.
SELECT
    p.publication_id,
    r.title_id,
    r.release,
    r.title,
    convert_to(r.achievements::text, 'UTF8') AS achievements
FROM title AS t
INNER JOIN publication AS p ON t.publication_id = p.publication_id
INNER JOIN release AS r ON p.title_id = r.title_id AND p.release = r.release
WHERE t.publication_id > :version
ORDER BY p.publication_id;

-- name: published_as_of
-- The release that was served of a title when publication :version was the newest; no row if it was not published yet.
--
--   :title_id  bigint
--   :version   bigint  a publication number
--
-- Reads one row by publication_of_title.
SELECT
    p.publication_id,
    r.title_id,
    r.release,
    r.title,
    convert_to(r.achievements::text, 'UTF8') AS achievements
FROM publication AS p
INNER JOIN release AS r ON p.title_id = r.title_id AND p.release = r.release
WHERE p.title_id = :title_id AND p.publication_id <= :version
ORDER BY p.publication_id DESC
LIMIT 1;

-- name: bundles_of_release
-- The texts of one release: a row for each locale, with a JSON object of its texts by key.
--
--   :title_id  bigint
--   :release   integer
--
-- Reads by release_bundle_pkey and bundle_pkey.
SELECT
    b.locale,
    convert_to(t.texts::text, 'UTF8') AS texts
FROM release_bundle AS b
INNER JOIN bundle AS t ON b.sha256 = t.sha256
WHERE b.title_id = :title_id AND b.release = :release
ORDER BY b.locale;

-- name: newest_release
-- The number of the newest release of a title, 0 if there is none.
--
--   :title_id  bigint
SELECT coalesce(max(r.release), 0) AS release
FROM release AS r
WHERE r.title_id = :title_id;

-- name: release
-- The definitions of one release.
--
--   :title_id  bigint
--   :release   integer
SELECT
    r.title,
    convert_to(r.achievements::text, 'UTF8') AS achievements
FROM release AS r
WHERE r.title_id = :title_id AND r.release = :release;

-- name: releases_of_title
-- Releases of a title, newest first, with who published each and why.
--
--   :title_id  bigint
--   :before    integer  only releases of a lower number
--   :max_rows  integer
--
-- Reads release backwards by release_pkey. The first publication of a release is the one that made it: read by
-- publication_of_title.
WITH shown AS (
    SELECT
        r.release,
        r.created_at
    FROM release AS r
    WHERE r.title_id = :title_id AND r.release < :before
    ORDER BY r.release DESC
    LIMIT :max_rows
),

first AS (
    SELECT DISTINCT ON (q.release)
        q.release,
        q.actor,
        q.note
    FROM publication AS q
    WHERE q.title_id = :title_id AND q.release IN (SELECT s.release FROM shown AS s)
    ORDER BY q.release, q.publication_id
)

SELECT
    s.release,
    s.created_at,
    coalesce(p.release = s.release, FALSE) AS is_served,
    coalesce(editor_name(f.actor), 'laurel') AS actor,
    f.note
FROM shown AS s
INNER JOIN title AS t ON t.title_id = :title_id
LEFT JOIN publication AS p ON t.publication_id = p.publication_id
LEFT JOIN first AS f ON s.release = f.release
ORDER BY s.release DESC;

-- name: publications
-- The publications of a title, newest first: each publish and each rollback.
--
--   :title_id  bigint
--   :max_rows  integer
--
-- Reads by publication_of_title.
SELECT
    p.publication_id,
    p.release,
    p.at,
    editor_name(p.actor) AS actor,
    p.note
FROM publication AS p
WHERE p.title_id = :title_id
ORDER BY p.publication_id DESC
LIMIT :max_rows;

-- name: authors
-- The last author of each of these texts, up to a moment; no row for a text without an author.
--
--   :title_id  bigint
--   :locales   text[]
--   :keys      text[]       one for each locale
--   :texts     text[]       one for each locale; NULL for a deleted text
--   :before    timestamptz
--
-- Reads the newest revisions of each text by text_revision_pkey, until one has the text.
-- The limit forces one index probe per text: without it, the plan in a new database joins all texts with all revisions.
SELECT
    n.locale,
    n.key,
    editor_name(v.actor) AS actor,
    v.at
FROM unnest(:locales::text[], :keys::text[], :texts::text[]) AS n (locale, key, text)
INNER JOIN title AS t ON t.title_id = :title_id
INNER JOIN LATERAL (
    SELECT
        r.actor,
        r.at
    FROM text_revision AS r
    WHERE
        r.title_id = t.title_id
        AND r.locale = n.locale
        AND r.key = n.key
        AND r.text IS NOT DISTINCT FROM n.text
        AND r.at <= :before
    ORDER BY r.version DESC
    LIMIT 1
) AS v ON TRUE
ORDER BY n.locale, n.key;

-- name: lock_publications
-- Makes publications commit one after the other, so that their numbers rise in the order in which they become visible.
LOCK TABLE publication IN EXCLUSIVE MODE;

-- name: add_release
-- A new release of a title, created now: after every text in it was written, whenever the transaction began.
--
--   :title_id      bigint
--   :release       integer
--   :title         jsonb
--   :achievements  jsonb
INSERT INTO release (title_id, release, title, achievements, created_at)
VALUES (:title_id, :release, :title::jsonb, :achievements::jsonb, clock_timestamp());

-- name: add_bundle
-- Adds the texts of one locale under their digest, unless they exist already.
--
--   :sha256  bytea  SHA-256 of the texts as they are written here
--   :texts   jsonb  text key → text
INSERT INTO bundle (sha256, texts)
VALUES (:sha256, :texts::jsonb)
ON CONFLICT (sha256) DO NOTHING;

-- name: add_release_bundle
-- Links a release with its texts in one locale.
--
--   :title_id  bigint
--   :release   integer
--   :locale    text
--   :sha256    bytea
INSERT INTO release_bundle (title_id, release, locale, sha256)
VALUES (:title_id, :release, :locale, :sha256);

-- name: publish
-- Serves a release: adds the next publication, points the title to it, and notifies listening processes on commit.
-- A lost notification only delays a process: each polls too.
--
--   :title_id  bigint
--   :release   integer
--   :actor     text
--   :note      text     NULL for none
WITH next AS (
    SELECT coalesce(max(p.publication_id), 0) + 1 AS publication_id
    FROM publication AS p
),

logged AS (
    INSERT INTO publication (publication_id, title_id, release, actor, note)
    SELECT
        n.publication_id,
        :title_id,
        :release,
        :actor,
        :note
    FROM next AS n
    RETURNING publication_id
),

moved AS (
    UPDATE title
    SET publication_id = l.publication_id
    FROM logged AS l
    WHERE title.title_id = :title_id
    RETURNING l.publication_id
)

SELECT pg_notify('publication', m.publication_id::text)
FROM moved AS m;
