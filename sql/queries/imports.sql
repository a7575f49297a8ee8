-- Files of texts that were read and compared, to be applied or not.

-- name: known
-- The report of this file on this state of the catalogue, if there is one already.
--
--   :title_id         bigint
--   :sha256           bytea   of the file and of how it was to be read
--   :catalog_version  bigint
--
-- Reads one row by one_report_of_one_file_and_state.
SELECT
    b.batch_id,
    b.title_id,
    b.catalog_version,
    b.format,
    b.report,
    b.actor,
    b.at,
    b.applied_by,
    b.applied_at
FROM import_batch AS b
WHERE b.title_id = :title_id AND b.sha256 = :sha256 AND b.catalog_version = :catalog_version;

-- name: one
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
    b.actor,
    b.at,
    b.applied_by,
    b.applied_at
FROM import_batch AS b
WHERE b.title_id = :title_id AND b.batch_id = :batch_id;

-- name: add
-- Keeps a report; no row if it is there already.
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
RETURNING batch_id, title_id, catalog_version, format, report, actor, at, applied_by, applied_at;

-- name: forget
-- Drops reports of a title that nobody applied for a month.
--
--   :title_id  bigint
DELETE FROM import_batch AS b
WHERE b.title_id = :title_id AND b.applied_at IS NULL AND b.at < now() - interval '30 days';

-- name: applied
-- Says that a batch is in the catalogue now.
--
--   :title_id  bigint
--   :batch_id  bigint
--   :actor     text
UPDATE import_batch
SET
    applied_by = :actor,
    applied_at = now()
WHERE import_batch.title_id = :title_id AND import_batch.batch_id = :batch_id
RETURNING batch_id, title_id, catalog_version, format, report, actor, at, applied_by, applied_at;
