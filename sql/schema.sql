-- Made from the migrations by `make schema`, for reading. A test holds it equal to what they make.

CREATE TABLE public.achievement (
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    public_id text NOT NULL,
    definition jsonb NOT NULL,
    CONSTRAINT definition_is_of_this_achievement CHECK (((((definition ->> 'number'::text))::bigint = number) AND ((definition ->> 'public_id'::text) = public_id))),
    CONSTRAINT number_is_a_u32 CHECK (((number >= 1) AND (number <= '4294967295'::bigint))),
    CONSTRAINT there_is_a_picture CHECK ((jsonb_array_length((definition -> 'media'::text)) > 0)),
    CONSTRAINT window_opens_before_it_closes CHECK ((((definition #>> '{window,opens_at}'::text[]))::bigint < ((definition #>> '{window,closes_at}'::text[]))::bigint))
);

CREATE TABLE public.bundle (
    sha256 bytea NOT NULL,
    texts jsonb NOT NULL,
    CONSTRAINT sha256_has_32_bytes CHECK ((octet_length(sha256) = 32))
);

CREATE TABLE public.completion_delta (
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    change integer NOT NULL
);

CREATE TABLE public.player (
    player text NOT NULL COLLATE pg_catalog."C",
    revision bigint NOT NULL,
    CONSTRAINT player_has_1_to_128_characters CHECK (((char_length(player) >= 1) AND (char_length(player) <= 128)))
);

CREATE TABLE public.progress (
    player text NOT NULL COLLATE pg_catalog."C",
    title_id bigint NOT NULL,
    revision bigint NOT NULL,
    unlocked integer[] NOT NULL,
    unlocked_at bigint[] NOT NULL,
    unlocked_in integer[] NOT NULL,
    currents json,
    CONSTRAINT unlocks_are_parallel CHECK (((cardinality(unlocked) = cardinality(unlocked_at)) AND (cardinality(unlocked) = cardinality(unlocked_in))))
);

CREATE TABLE public.publication (
    publication_id bigint NOT NULL,
    title_id bigint NOT NULL,
    release integer NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.release (
    title_id bigint NOT NULL,
    release integer NOT NULL,
    title jsonb NOT NULL,
    achievements jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.release_bundle (
    title_id bigint NOT NULL,
    release integer NOT NULL,
    locale text NOT NULL,
    sha256 bytea NOT NULL
);

CREATE TABLE public.schema_migration (
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.service_key (
    name text NOT NULL,
    key bytea NOT NULL
);

CREATE TABLE public.text (
    title_id bigint NOT NULL,
    locale text NOT NULL,
    key text NOT NULL,
    text text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT locale_is_a_language_tag CHECK ((locale ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'::text)),
    CONSTRAINT text_is_not_empty CHECK ((text <> ''::text))
);

CREATE TABLE public.title (
    title_id bigint NOT NULL,
    scid uuid NOT NULL,
    default_locale text NOT NULL,
    kind text NOT NULL,
    platform text NOT NULL,
    version text,
    text_unit text NOT NULL,
    publication_id bigint,
    CONSTRAINT locale_is_a_language_tag CHECK ((default_locale ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'::text)),
    CONSTRAINT text_unit_is_known CHECK ((text_unit = ANY (ARRAY['string'::text, 'achievement'::text]))),
    CONSTRAINT title_id_is_a_u32 CHECK (((title_id >= 1) AND (title_id <= '4294967295'::bigint)))
);

ALTER TABLE ONLY public.achievement
    ADD CONSTRAINT achievement_pkey PRIMARY KEY (title_id, number);

ALTER TABLE ONLY public.bundle
    ADD CONSTRAINT bundle_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY public.player
    ADD CONSTRAINT player_pkey PRIMARY KEY (player);

ALTER TABLE ONLY public.progress
    ADD CONSTRAINT progress_pkey PRIMARY KEY (player, title_id);

ALTER TABLE ONLY public.achievement
    ADD CONSTRAINT public_id_names_one_achievement UNIQUE (title_id, public_id) DEFERRABLE;

ALTER TABLE ONLY public.publication
    ADD CONSTRAINT publication_pkey PRIMARY KEY (publication_id);

ALTER TABLE ONLY public.release_bundle
    ADD CONSTRAINT release_bundle_pkey PRIMARY KEY (title_id, release, locale);

ALTER TABLE ONLY public.release
    ADD CONSTRAINT release_pkey PRIMARY KEY (title_id, release);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.title
    ADD CONSTRAINT scid_names_one_title UNIQUE (scid);

ALTER TABLE ONLY public.service_key
    ADD CONSTRAINT service_key_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.text
    ADD CONSTRAINT text_pkey PRIMARY KEY (title_id, locale, key);

ALTER TABLE ONLY public.title
    ADD CONSTRAINT title_pkey PRIMARY KEY (title_id);

CREATE INDEX publication_of_title ON public.publication USING btree (title_id, publication_id);

ALTER TABLE ONLY public.achievement
    ADD CONSTRAINT achievement_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.release_bundle
    ADD CONSTRAINT bundle_is_of_a_release FOREIGN KEY (title_id, release) REFERENCES public.release(title_id, release);

ALTER TABLE ONLY public.release_bundle
    ADD CONSTRAINT bundle_is_there FOREIGN KEY (sha256) REFERENCES public.bundle(sha256);

ALTER TABLE ONLY public.progress
    ADD CONSTRAINT progress_is_in_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.publication
    ADD CONSTRAINT publication_is_of_a_release FOREIGN KEY (title_id, release) REFERENCES public.release(title_id, release);

ALTER TABLE ONLY public.release
    ADD CONSTRAINT release_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.text
    ADD CONSTRAINT text_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);
