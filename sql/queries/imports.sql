-- Import batches: files of texts with a report of what they would change. `report` is the report without its lines.

-- name: find_batch
-- The batch of the same files on the same catalog version, if there is one.
--
--   :title_id         bigint
--   :sha256           bytea   of the files and of the options to read them
--   :catalog_version  bigint
--
-- Reads one row by one_report_of_one_file_and_state.
SELECT
    b.batch_id,
    b.title_id,
    b.catalog_version,
    b.format,
    json_build_object(
        'mode', b.report -> 'mode',
        'counts', b.report -> 'counts',
        'over_approved', coalesce(b.report -> 'over_approved', 'false')
    ) AS report,
    editor_name(b.actor) AS actor,
    b.at,
    editor_name(b.applied_by) AS applied_by,
    b.applied_at
FROM import_batch AS b
WHERE b.title_id = :title_id AND b.sha256 = :sha256 AND b.catalog_version = :catalog_version;

-- name: get_batch
-- One batch of a title.
--
--   :title_id  bigint
--   :batch_id  bigint
SELECT
    b.batch_id,
    b.title_id,
    b.catalog_version,
    b.format,
    json_build_object(
        'mode', b.report -> 'mode',
        'counts', b.report -> 'counts',
        'over_approved', coalesce(b.report -> 'over_approved', 'false')
    ) AS report,
    editor_name(b.actor) AS actor,
    b.at,
    editor_name(b.applied_by) AS applied_by,
    b.applied_at
FROM import_batch AS b
WHERE b.title_id = :title_id AND b.batch_id = :batch_id;

-- name: add_batch
-- Adds a batch; no row if it exists already.
--
--   :title_id         bigint
--   :catalog_version  bigint
--   :sha256           bytea
--   :format           text
--   :report           json
--   :actor            text
INSERT INTO import_batch (title_id, catalog_version, sha256, format, report, actor)
VALUES (:title_id, :catalog_version, :sha256, :format, :report::json, :actor)
ON CONFLICT (title_id, sha256, catalog_version) DO NOTHING
RETURNING
    batch_id,
    title_id,
    catalog_version,
    format,
    json_build_object(
        'mode', import_batch.report -> 'mode',
        'counts', import_batch.report -> 'counts',
        'over_approved', coalesce(import_batch.report -> 'over_approved', 'false')
    ) AS report,
    :actor AS actor,
    at,
    applied_by,
    applied_at;

-- name: lines
-- Some lines of a batch's report, as a JSON array.
--
--   :title_id  bigint
--   :batch_id  bigint
--   :first     bigint  the position of the first line, from 0
--   :last      bigint  the position after the last one
SELECT convert_to(coalesce(json_agg(l.line ORDER BY l.position), '[]')::text, 'UTF8') AS content
FROM import_batch AS b
CROSS JOIN LATERAL json_array_elements(b.report -> 'lines') WITH ORDINALITY AS l (line, position)
WHERE
    b.title_id = :title_id
    AND b.batch_id = :batch_id
    AND l.position > :first::bigint
    AND l.position <= :last::bigint;

-- name: report
-- The whole report of a batch.
--
--   :title_id  bigint
--   :batch_id  bigint
SELECT convert_to(b.report::text, 'UTF8') AS content
FROM import_batch AS b
WHERE b.title_id = :title_id AND b.batch_id = :batch_id;

-- name: delete_expired
-- Deletes batches of a title that were not applied within 30 days.
--
--   :title_id  bigint
DELETE FROM import_batch AS b
WHERE b.title_id = :title_id AND b.applied_at IS NULL AND b.at < now() - interval '30 days';

-- name: mark_applied
-- Marks a batch as applied.
--
--   :title_id  bigint
--   :batch_id  bigint
--   :actor     text
UPDATE import_batch
SET
    applied_by = :actor,
    applied_at = now()
WHERE import_batch.title_id = :title_id AND import_batch.batch_id = :batch_id
RETURNING
    batch_id,
    title_id,
    catalog_version,
    format,
    json_build_object(
        'mode', import_batch.report -> 'mode',
        'counts', import_batch.report -> 'counts',
        'over_approved', coalesce(import_batch.report -> 'over_approved', 'false')
    ) AS report,
    editor_name(actor) AS actor,
    at,
    :actor AS applied_by,
    applied_at;
