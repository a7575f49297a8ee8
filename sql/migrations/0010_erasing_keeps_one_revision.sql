-- Of the players who were erased only one number stays: the highest revision, above which every new player begins.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE erasure (
    is_only_row boolean NOT NULL DEFAULT TRUE,
    revision bigint NOT NULL,
    CONSTRAINT erasure_pkey PRIMARY KEY (is_only_row),
    CONSTRAINT there_is_one_row CHECK (is_only_row)
);

INSERT INTO erasure (revision)
SELECT coalesce(max(e.revision), 0) AS revision
FROM erased AS e;

-- The hashes of names, and the key with which anybody who has the database could try names. The service of before
-- still reads the table, so it goes with the next version.
DELETE FROM erased WHERE TRUE;
DELETE FROM service_key AS k WHERE k.name = 'erasure';
