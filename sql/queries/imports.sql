-- Import batches: files of texts with a report of what they would change.

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
    b.report,
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
    b.report,
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
RETURNING batch_id, title_id, catalog_version, format, report, :actor AS actor, at, applied_by, applied_at;

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
    report,
    editor_name(actor) AS actor,
    at,
    :actor AS applied_by,
    applied_at;
