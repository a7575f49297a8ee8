-- The incarnation of the database, and what shows that it went back in time.

-- name: current
-- The incarnation, and where the database is now. In a standby, which has no place of its own, only the incarnation.
--
-- `actual_place` changes with the cluster, its timeline (after a failover or a recovery to a point in time), the
-- database and its tables (after a logical restore). `position` is how far the write-ahead log is on disk.
WITH server AS (
    SELECT pg_is_in_recovery() AS is_standby
)

SELECT
    i.incarnation_id,
    i.place,
    CASE
        WHEN NOT s.is_standby
            THEN
                concat_ws(
                    '/',
                    (SELECT c.system_identifier FROM pg_control_system() AS c),
                    left(pg_walfile_name(pg_current_wal_flush_lsn()), 8),
                    (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()),
                    'incarnation'::regclass::oid
                )
    END AS actual_place,
    CASE WHEN NOT s.is_standby THEN (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint END AS position,
    coalesce((SELECT max(p.publication_id) FROM publication AS p), 0) AS publication_id
FROM incarnation AS i
CROSS JOIN server AS s;

-- name: settle
-- Stores where the database is, for an incarnation that has no place yet.
--
--   :incarnation_id  bigint
--   :place           text
UPDATE incarnation AS i
SET place = :place
WHERE i.incarnation_id = :incarnation_id AND i.place IS NULL;

-- name: rotate
-- Begins another incarnation, unless somebody else has done so meanwhile, and notifies listening processes on commit.
--
--   :expected        bigint  the incarnation that it replaces
--   :incarnation_id  bigint  a random number
--   :place           text    NULL if it is not known
WITH rotated AS (
    UPDATE incarnation AS i
    SET
        incarnation_id = :incarnation_id,
        place = :place,
        since = now()
    WHERE i.incarnation_id = :expected
    RETURNING i.incarnation_id
)

SELECT pg_notify('publication', r.incarnation_id::text)
FROM rotated AS r;
