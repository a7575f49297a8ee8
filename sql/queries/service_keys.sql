-- Secret keys that all processes share.

-- name: add_key
-- Stores a key unless there is one of that name; concurrent calls store only the first.
--
--   :name  text
--   :key   bytea
INSERT INTO service_key (name, key)
VALUES (:name, :key)
ON CONFLICT (name) DO NOTHING;

-- name: get_key
-- The key of that name.
--
--   :name  text
SELECT k.key
FROM service_key AS k
WHERE k.name = :name;
