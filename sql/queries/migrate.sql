-- The applied migrations of a database.

-- name: lock
-- Waits until no other process migrates this database. The lock is released with the connection.
--
--   :lock_key  bigint  key of the advisory lock
SELECT pg_advisory_lock(:lock_key);

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
