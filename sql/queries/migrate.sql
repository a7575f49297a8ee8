-- The applied migrations of a database.

-- name: lock
-- Waits until no other process migrates this database. The lock is released with the connection.
--
--   :lock_key  bigint  key of the advisory lock
SELECT pg_advisory_lock(:lock_key);

-- name: lock_holder
-- The session that holds the lock, and for how many seconds it has been connected.
--
--   :lock_key  bigint  key of the advisory lock
SELECT
    a.pid,
    a.usename AS user,
    a.application_name AS application,
    coalesce(host(a.client_addr), 'a local socket') AS address,
    extract(EPOCH FROM now() - a.backend_start)::integer AS seconds
FROM pg_locks AS l
INNER JOIN pg_stat_activity AS a ON l.pid = a.pid
WHERE
    l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    AND (l.classid::bigint << 32) | l.objid::bigint = :lock_key;

-- name: create_table
-- Creates the table of migrations, which no migration can create.
CREATE TABLE IF NOT EXISTS schema_migration (
    name text NOT NULL,  -- noqa: RF04
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_migration_pkey PRIMARY KEY (name)
);

-- name: applied_migrations
-- The names of the migrations that were applied, in order.
SELECT m.name
FROM schema_migration AS m
ORDER BY m.name;

-- name: record_migration
-- Records an applied migration.
--
--   :name  text
INSERT INTO schema_migration (name)
VALUES (:name);
