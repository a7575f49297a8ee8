-- Which history this database has: a number that is another one after the database went back in time.
--
-- Revisions, versions and publications count up, and processes and clients remember what they were at each number.
-- After a restore the same numbers are given again, for other things: together with the incarnation they stay unique.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- place  where the database was when the incarnation was chosen, NULL before a process has looked: a copy at another
--        place has another history from then on
CREATE TABLE incarnation (
    is_only boolean NOT NULL DEFAULT TRUE,
    incarnation_id bigint NOT NULL,
    place text,
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT incarnation_pkey PRIMARY KEY (is_only),
    CONSTRAINT there_is_one_incarnation CHECK (is_only),
    CONSTRAINT incarnation_id_is_positive CHECK (incarnation_id > 0)
);

INSERT INTO incarnation (incarnation_id)
VALUES (('x' || translate(left(gen_random_uuid()::text, 18), '-', ''))::bit(60)::bigint + 1);
