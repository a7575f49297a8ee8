-- Which migrations a database has.

-- name: take_turn
-- Waits until nobody else is migrating this database. The turn ends with the connection.
--
--   :turn  bigint  the number that is locked
SELECT pg_advisory_lock(:turn);

-- name: make_table
-- The table of migrations. It cannot be made by one.
CREATE TABLE IF NOT EXISTS schema_migration (
    name text NOT NULL,  -- noqa: RF04
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_migration_pkey PRIMARY KEY (name)
);

-- name: applied
-- The names of the migrations that were applied, in order.
SELECT m.name
FROM schema_migration AS m
ORDER BY m.name;

-- name: record
-- Says that a migration was applied.
--
--   :name  text
INSERT INTO schema_migration (name)
VALUES (:name);
