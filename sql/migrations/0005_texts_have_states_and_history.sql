-- Texts have a state, a history that nobody can change, and people behind them; imports and publishes can be planned.
--
-- Everything is added beside what is there, so that the service of before goes on while this runs.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '600s';

-- publish_from     which texts a release takes; what is not ready stays as it is served
-- catalog_version  rises with every change to what is being edited
ALTER TABLE title
ADD COLUMN publish_from text NOT NULL DEFAULT 'translated',
ADD COLUMN catalog_version bigint NOT NULL DEFAULT 1;

ALTER TABLE title
ADD CONSTRAINT publish_from_is_known CHECK (publish_from IN ('translated', 'approved')) NOT VALID;

-- version         rises with every change of the string in this locale, whether of its words or of its state
-- worded_in       the version that the words are of: what translations of them point at
-- source_version  the `worded_in` of the source that it translates; 0 where that was another text than any of ours,
--                 NULL in the default locale and where there is no source. Behind the source's own, it is stale.
-- remarks         the rules that its words break, without those that somebody overrode
-- overrides       {rule: {"by": who, "reason": why}}
ALTER TABLE text
ADD COLUMN state text NOT NULL DEFAULT 'translated',
ADD COLUMN worded_in integer NOT NULL DEFAULT 1,
ADD COLUMN source_version integer,
ADD COLUMN remarks text[] NOT NULL DEFAULT '{}',
ADD COLUMN overrides jsonb NOT NULL DEFAULT '{}',
ADD COLUMN actor text NOT NULL DEFAULT 'laurel',
ADD COLUMN at timestamptz NOT NULL DEFAULT now();

ALTER TABLE text
ADD CONSTRAINT state_is_known CHECK (state IN ('needs_review', 'translated', 'approved')) NOT VALID;

UPDATE text AS x
SET
    worded_in = x.version,
    source_version = s.version
FROM text AS o
INNER JOIN title AS t ON o.title_id = t.title_id
LEFT JOIN text AS s
    ON t.title_id = s.title_id AND t.default_locale = s.locale AND o.key = s.key AND o.locale <> s.locale
WHERE x.title_id = o.title_id AND x.locale = o.locale AND x.key = o.key;

-- A file that was read and compared, and may be applied as long as the catalogue is what it was compared with.
CREATE TABLE import_batch (
    batch_id bigint GENERATED ALWAYS AS IDENTITY,
    title_id bigint NOT NULL,
    catalog_version bigint NOT NULL,
    sha256 bytea NOT NULL,
    format text NOT NULL,
    report json NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    applied_by text,
    applied_at timestamptz,
    CONSTRAINT import_batch_pkey PRIMARY KEY (batch_id),
    CONSTRAINT batch_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id),
    CONSTRAINT one_report_of_one_file_and_state UNIQUE (title_id, sha256, catalog_version),
    CONSTRAINT sha256_has_32_bytes CHECK (octet_length(sha256) = 32)
);

-- Every state that a string had in a locale, in order; an absent text is the string taken away.
CREATE TABLE text_revision (
    title_id bigint NOT NULL,
    locale text NOT NULL,
    key text NOT NULL,
    version integer NOT NULL,
    text text,
    state text NOT NULL,
    source_version integer,
    overrides jsonb NOT NULL DEFAULT '{}',
    origin text NOT NULL,
    actor text NOT NULL,
    batch_id bigint,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT text_revision_pkey PRIMARY KEY (title_id, locale, key, version),
    CONSTRAINT revision_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id),
    CONSTRAINT revision_is_of_a_batch FOREIGN KEY (batch_id) REFERENCES import_batch (batch_id),
    CONSTRAINT state_is_known CHECK (state IN ('missing', 'needs_review', 'translated', 'approved')),
    CONSTRAINT missing_has_no_text CHECK ((text IS NULL) = (state = 'missing')),
    CONSTRAINT origin_is_known CHECK (origin IN ('edit', 'review', 'restore', 'import', 'admin'))
);

INSERT INTO text_revision (title_id, locale, key, version, text, state, source_version, origin, actor)
SELECT
    x.title_id,
    x.locale,
    x.key,
    x.version,
    x.text,
    x.state,
    x.source_version,
    'import' AS origin,
    x.actor
FROM text AS x;

-- Who published or rolled back, and what they said of it.
ALTER TABLE publication
ADD COLUMN actor text NOT NULL DEFAULT 'laurel',
ADD COLUMN note text;

-- A publish that is to happen later.
CREATE TABLE scheduled_publish (
    schedule_id bigint GENERATED ALWAYS AS IDENTITY,
    title_id bigint NOT NULL,
    due_at timestamptz NOT NULL,
    note text,
    actor text NOT NULL,
    status text NOT NULL DEFAULT 'waiting',
    release integer,
    problem text,
    CONSTRAINT scheduled_publish_pkey PRIMARY KEY (schedule_id),
    CONSTRAINT schedule_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id),
    CONSTRAINT status_is_known CHECK (status IN ('waiting', 'published', 'refused', 'cancelled'))
);

CREATE INDEX schedules_that_wait ON scheduled_publish (due_at) WHERE status = 'waiting';

-- How many answers were in a chain of locales in which a string was not in the first one.
CREATE TABLE fallback (
    title_id bigint NOT NULL,
    wanted text NOT NULL,
    used text NOT NULL,
    key text NOT NULL,
    answers bigint NOT NULL,
    last_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fallback_pkey PRIMARY KEY (title_id, wanted, key, used),
    CONSTRAINT fallback_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id)
);

-- The history says who did what: it is added to and nothing else. A grant would not bind the tables' owner, who is
-- the service itself; this binds everybody who does not first take it away. Nothing that players do passes here.
CREATE FUNCTION refuse_to_change_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a history: it is added to, never changed', tg_table_name
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER text_revision_is_a_history
BEFORE UPDATE OR DELETE OR TRUNCATE ON text_revision
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_history();

CREATE TRIGGER release_is_a_history
BEFORE UPDATE OR DELETE OR TRUNCATE ON release
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_history();

CREATE TRIGGER release_bundle_is_a_history
BEFORE UPDATE OR DELETE OR TRUNCATE ON release_bundle
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_history();

CREATE TRIGGER publication_is_a_history
BEFORE UPDATE OR DELETE OR TRUNCATE ON publication
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_history();
