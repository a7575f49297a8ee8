-- Keys that every worker shares.

-- name: make_key
-- Stores a key unless one of that name is there: whoever comes first decides for all.
--
--   :name  text
--   :key   bytea
INSERT INTO service_key (name, key)
VALUES (:name, :key)
ON CONFLICT (name) DO NOTHING;

-- name: key
-- The key of that name.
--
--   :name  text
SELECT k.key
FROM service_key AS k
WHERE k.name = :name;
