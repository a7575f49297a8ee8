-- Titles as they are edited, releases as they were published, and what each player has.
--
-- Catalogue tables are few and rarely written. User tables lead with `player`; nothing in them crosses players.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- A game. `publication_id` points at what is being served; NULL until the first publish.
CREATE TABLE title (
    title_id bigint NOT NULL,
    scid uuid NOT NULL,
    default_locale text NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    version text,
    text_unit text NOT NULL,
    publication_id bigint,
    CONSTRAINT title_pkey PRIMARY KEY (title_id),
    CONSTRAINT scid_names_one_title UNIQUE (scid),
    CONSTRAINT title_id_is_a_u32 CHECK (title_id BETWEEN 1 AND 4294967295),
    CONSTRAINT locale_is_a_language_tag CHECK (default_locale ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'),
    CONSTRAINT text_unit_is_known CHECK (text_unit IN ('string', 'achievement'))
);

-- Something to earn, being edited. The definition is one document: it is read and written whole.
CREATE TABLE achievement (
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    public_id text NOT NULL,
    definition jsonb NOT NULL,
    CONSTRAINT achievement_pkey PRIMARY KEY (title_id, number),
    CONSTRAINT public_id_names_one_achievement UNIQUE (title_id, public_id) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT achievement_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id),
    CONSTRAINT number_is_a_u32 CHECK (number BETWEEN 1 AND 4294967295),
    CONSTRAINT definition_is_of_this_achievement CHECK (
        (definition ->> 'number')::bigint = number AND definition ->> 'public_id' = public_id
    ),
    CONSTRAINT window_opens_before_it_closes CHECK (
        (definition #>> '{window,opens_at}')::bigint < (definition #>> '{window,closes_at}')::bigint
    ),
    CONSTRAINT there_is_a_picture CHECK (jsonb_array_length(definition -> 'media') > 0)
);

-- One string in one locale, being edited. A missing text is a missing row.
CREATE TABLE text (
    title_id bigint NOT NULL,
    locale text NOT NULL,
    key text NOT NULL,
    text text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT text_pkey PRIMARY KEY (title_id, locale, key),
    CONSTRAINT text_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id),
    CONSTRAINT text_is_not_empty CHECK (text <> ''),
    CONSTRAINT locale_is_a_language_tag CHECK (locale ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$')
);

-- A published, immutable set of definitions. Its texts are the bundles it names.
CREATE TABLE release (
    title_id bigint NOT NULL,
    release integer NOT NULL,
    title jsonb NOT NULL,
    achievements jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT release_pkey PRIMARY KEY (title_id, release),
    CONSTRAINT release_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id)
);

-- All published texts of a title in one locale, named by their own digest: an unchanged locale is stored once.
CREATE TABLE bundle (
    sha256 bytea NOT NULL,
    texts jsonb NOT NULL,
    CONSTRAINT bundle_pkey PRIMARY KEY (sha256),
    CONSTRAINT sha256_has_32_bytes CHECK (octet_length(sha256) = 32)
);

CREATE TABLE release_bundle (
    title_id bigint NOT NULL,
    release integer NOT NULL,
    locale text NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT release_bundle_pkey PRIMARY KEY (title_id, release, locale),
    CONSTRAINT bundle_is_of_a_release FOREIGN KEY (title_id, release) REFERENCES release (title_id, release),
    CONSTRAINT bundle_is_there FOREIGN KEY (sha256) REFERENCES bundle (sha256)
);

-- Which release was served from when on: one row a publish or rollback, numbered in the order they took effect.
CREATE TABLE publication (
    publication_id bigint NOT NULL,
    title_id bigint NOT NULL,
    release integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT publication_pkey PRIMARY KEY (publication_id),
    CONSTRAINT publication_is_of_a_release FOREIGN KEY (title_id, release) REFERENCES release (title_id, release)
);

CREATE INDEX publication_of_title ON publication (title_id, publication_id);

-- A player's revision rises by one with every change to anything of theirs.
CREATE TABLE player (
    player text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT player_pkey PRIMARY KEY (player),
    CONSTRAINT player_has_1_to_128_characters CHECK (char_length(player) BETWEEN 1 AND 128)
);

-- What one player has in one title, as parallel arrays in the order of their writing: 16 bytes an unlock.
--   unlocked       achievement numbers; a u32 in an int4, as its two's complement
--   unlocked_at    ticks of 100 ns since 0001-01-01
--   unlocked_in    the player's revision that wrote it
--   currents       {number: [current value per requirement, as text or null]}, NULL when there is none
CREATE TABLE progress (
    player text COLLATE "C" NOT NULL,
    title_id bigint NOT NULL,
    revision bigint NOT NULL,
    unlocked integer[] NOT NULL,
    unlocked_at bigint[] NOT NULL,
    unlocked_in integer[] NOT NULL,
    currents json,
    CONSTRAINT progress_pkey PRIMARY KEY (player, title_id),
    CONSTRAINT progress_is_in_a_title FOREIGN KEY (title_id) REFERENCES title (title_id),
    CONSTRAINT unlocks_are_parallel CHECK (
        cardinality(unlocked) = cardinality(unlocked_at) AND cardinality(unlocked) = cardinality(unlocked_in)
    )
);

-- How many players hold an achievement, as changes to be summed; number 0 counts the players of the title.
-- Insert-only: no row is hot.
CREATE TABLE completion_delta (
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    change integer NOT NULL
);

-- Keys that every worker must share and no operator needs to know.
CREATE TABLE service_key (
    name text NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT service_key_pkey PRIMARY KEY (name)
);
