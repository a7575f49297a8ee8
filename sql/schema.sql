-- Generated from the migrations by `make schema`, for reading; a test compares it with the migrations.

CREATE FUNCTION public.drop_event_months(older_than integer) RETURNS SETOF text
    LANGUAGE plpgsql
    AS $_$
DECLARE
    name text;
    last text := 'event_'
        || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => older_than), 'YYYY_MM');
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits AS i INNER JOIN pg_class AS c ON i.inhrelid = c.oid
        WHERE i.inhparent = 'event'::regclass AND c.relname ~ '^event_[0-9]{4}_[0-9]{2}$' AND c.relname < last
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        RETURN NEXT name;
    END LOOP;
END $_$;

CREATE FUNCTION public.editor_name(pseudonym text) RETURNS text
    LANGUAGE plpgsql STABLE STRICT
    AS $$
BEGIN
    RETURN coalesce((SELECT e.name FROM editor AS e WHERE e.editor_id = pseudonym), 'erased');
END
$$;

CREATE FUNCTION public.editor_pseudonym(who text) RETURNS text
    LANGUAGE plpgsql STRICT
    AS $$
DECLARE
    found_id text;
BEGIN
    IF is_pseudonym(who) THEN
        RETURN who;
    END IF;
    SELECT e.editor_id INTO found_id FROM editor AS e WHERE e.name = who;
    IF found_id IS NULL THEN
        INSERT INTO editor (name) VALUES (who) ON CONFLICT (name) DO NOTHING;
        SELECT e.editor_id INTO found_id FROM editor AS e WHERE e.name = who;
    END IF;
    RETURN found_id;
END
$$;

CREATE FUNCTION public.is_pseudonym(who text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT left(who, 1) = chr(1)
$$;

CREATE FUNCTION public.make_event_months(months integer) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    first date;
BEGIN
    FOR i IN 0 .. months - 1 LOOP
        first := date_trunc('month', now() AT TIME ZONE 'UTC')::date + make_interval(months => i);
        IF to_regclass(format('event_%s', to_char(first, 'YYYY_MM'))) IS NULL THEN
            BEGIN
                EXECUTE format(
                    'CREATE TABLE event_%s PARTITION OF event FOR VALUES FROM (%L) TO (%L)',
                    to_char(first, 'YYYY_MM'),
                    first::timestamp AT TIME ZONE 'UTC',
                    (first + interval '1 month')::timestamp AT TIME ZONE 'UTC'
                );
            EXCEPTION WHEN check_violation OR duplicate_table THEN NULL;
            END;
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION public.overrides_with_names(overrides jsonb) RETURNS jsonb
    LANGUAGE sql STABLE STRICT
    AS $$
    SELECT coalesce(jsonb_object_agg(o.key, o.value || jsonb_build_object('by', editor_name(o.value ->> 'by'))), '{}')
    FROM jsonb_each(overrides) AS o
$$;

CREATE FUNCTION public.overrides_with_pseudonyms(overrides jsonb) RETURNS jsonb
    LANGUAGE sql STRICT
    AS $$
    SELECT coalesce(jsonb_object_agg(o.key, o.value || jsonb_build_object('by', editor_pseudonym(o.value ->> 'by'))), '{}')
    FROM jsonb_each(overrides) AS o
$$;

CREATE FUNCTION public.refuse_to_change_history() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is a history: it is added to, never changed', tg_table_name
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION public.store_pseudonyms_of_editors() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    new.actor := editor_pseudonym(new.actor);
    IF tg_table_name = 'import_batch' THEN
        new.applied_by := editor_pseudonym(new.applied_by);
    ELSIF tg_table_name IN ('text', 'text_revision') THEN
        IF new.overrides <> '{}' THEN
            new.overrides := overrides_with_pseudonyms(new.overrides);
        END IF;
    END IF;
    RETURN new;
END
$$;

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

CREATE TABLE public.age_watch (
    title_id bigint NOT NULL,
    seconds bigint NOT NULL,
    arrived_at bigint NOT NULL,
    player_name text NOT NULL COLLATE pg_catalog."C",
    due_at timestamp with time zone NOT NULL
);

CREATE TABLE public.api_key (
    key_id uuid NOT NULL,
    title_id bigint NOT NULL,
    prefix text NOT NULL COLLATE pg_catalog."C",
    sha256 bytea NOT NULL,
    of_player text COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    name text,
    scopes text[] DEFAULT '{events,read,authoring}'::text[] NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT sha256_has_32_bytes CHECK ((octet_length(sha256) = 32))
);

CREATE TABLE public.backfill (
    backfill_id bigint NOT NULL,
    title_id bigint NOT NULL,
    numbers bigint[] NOT NULL,
    "position" text COLLATE pg_catalog."C",
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    players bigint DEFAULT 0 NOT NULL,
    unlocks bigint DEFAULT 0 NOT NULL
);

ALTER TABLE public.backfill ALTER COLUMN backfill_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.backfill_backfill_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.bundle (
    sha256 bytea NOT NULL,
    texts jsonb NOT NULL,
    CONSTRAINT sha256_has_32_bytes CHECK ((octet_length(sha256) = 32))
);

CREATE TABLE public.completion (
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    players bigint NOT NULL
);

CREATE TABLE public.completion_delta (
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    change integer NOT NULL
);

CREATE TABLE public.editor (
    editor_id text DEFAULT (chr(1) || (gen_random_uuid())::text) NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT editor_id_is_a_pseudonym CHECK (public.is_pseudonym(editor_id)),
    CONSTRAINT name_is_no_pseudonym CHECK ((NOT public.is_pseudonym(name)))
);

CREATE TABLE public.erased (
    player_hash bytea NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT player_hash_has_32_bytes CHECK ((octet_length(player_hash) = 32))
);

CREATE TABLE public.erasure (
    is_only_row boolean DEFAULT true NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT there_is_one_row CHECK (is_only_row)
);

CREATE TABLE public.event (
    player text NOT NULL COLLATE pg_catalog."C",
    title_id bigint NOT NULL,
    metric text NOT NULL,
    at bigint NOT NULL,
    event_id uuid NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    amount numeric NOT NULL,
    attributes jsonb
)
PARTITION BY RANGE (recorded_at);

CREATE TABLE public.event_at_other_times (
    player text CONSTRAINT event_player_not_null NOT NULL COLLATE pg_catalog."C",
    title_id bigint CONSTRAINT event_title_id_not_null NOT NULL,
    metric text CONSTRAINT event_metric_not_null NOT NULL,
    at bigint CONSTRAINT event_at_not_null NOT NULL,
    event_id uuid CONSTRAINT event_event_id_not_null NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() CONSTRAINT event_recorded_at_not_null NOT NULL,
    amount numeric CONSTRAINT event_amount_not_null NOT NULL,
    attributes jsonb
);

CREATE TABLE public.fallback (
    title_id bigint NOT NULL,
    wanted text NOT NULL,
    used text NOT NULL,
    key text NOT NULL,
    answers bigint NOT NULL,
    last_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.idempotency (
    player text NOT NULL COLLATE pg_catalog."C",
    title_id bigint NOT NULL,
    metric text NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    event_id uuid NOT NULL
);

CREATE TABLE public.import_batch (
    batch_id bigint NOT NULL,
    title_id bigint NOT NULL,
    catalog_version bigint NOT NULL,
    sha256 bytea NOT NULL,
    format text NOT NULL,
    report json NOT NULL,
    actor text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    applied_by text,
    applied_at timestamp with time zone,
    CONSTRAINT sha256_has_32_bytes CHECK ((octet_length(sha256) = 32))
);

ALTER TABLE public.import_batch ALTER COLUMN batch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.import_batch_batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.incarnation (
    is_only boolean DEFAULT true NOT NULL,
    incarnation_id bigint NOT NULL,
    place text,
    since timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT incarnation_id_is_positive CHECK ((incarnation_id > 0)),
    CONSTRAINT there_is_one_incarnation CHECK (is_only)
);

CREATE TABLE public.metric_day (
    player text NOT NULL COLLATE pg_catalog."C",
    title_id bigint NOT NULL,
    metric text NOT NULL,
    day date NOT NULL,
    change numeric NOT NULL,
    is_active boolean NOT NULL
);

CREATE TABLE public.outbox (
    player text NOT NULL COLLATE pg_catalog."C",
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    webhook_id bigint NOT NULL,
    at bigint NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    error text,
    died_at timestamp with time zone
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
    standings jsonb,
    profile jsonb,
    created_at bigint,
    CONSTRAINT unlocks_are_parallel CHECK (((cardinality(unlocked) = cardinality(unlocked_at)) AND (cardinality(unlocked) = cardinality(unlocked_in))))
);

CREATE TABLE public.publication (
    publication_id bigint NOT NULL,
    title_id bigint NOT NULL,
    release integer NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text DEFAULT 'laurel'::text NOT NULL,
    note text
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

CREATE TABLE public.revoked_badge (
    player text NOT NULL COLLATE pg_catalog."C",
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    list bigint NOT NULL,
    "position" integer NOT NULL,
    reason text,
    revoked_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.scheduled_publish (
    schedule_id bigint NOT NULL,
    title_id bigint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    note text,
    actor text NOT NULL,
    status text DEFAULT 'waiting'::text NOT NULL,
    release integer,
    problem text,
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['waiting'::text, 'published'::text, 'refused'::text, 'cancelled'::text])))
);

ALTER TABLE public.scheduled_publish ALTER COLUMN schedule_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.scheduled_publish_schedule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migration (
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.service_key (
    name text NOT NULL,
    key bytea NOT NULL
);

CREATE TABLE public.session (
    sha256 bytea NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    grants jsonb NOT NULL,
    country text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT sha256_has_32_bytes CHECK ((octet_length(sha256) = 32))
);

CREATE TABLE public.status_bit (
    title_id bigint NOT NULL,
    list bigint NOT NULL,
    "position" integer NOT NULL
);

CREATE TABLE public.text (
    title_id bigint NOT NULL,
    locale text NOT NULL,
    key text NOT NULL,
    text text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    state text DEFAULT 'translated'::text NOT NULL,
    worded_in integer DEFAULT 1 NOT NULL,
    source_version integer,
    remarks text[] DEFAULT '{}'::text[] NOT NULL,
    overrides jsonb DEFAULT '{}'::jsonb NOT NULL,
    actor text DEFAULT 'laurel'::text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT locale_is_a_language_tag CHECK ((locale ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'::text)),
    CONSTRAINT text_is_not_empty CHECK ((text <> ''::text))
);

CREATE TABLE public.text_revision (
    title_id bigint NOT NULL,
    locale text NOT NULL,
    key text NOT NULL,
    version integer NOT NULL,
    text text,
    state text NOT NULL,
    source_version integer,
    overrides jsonb DEFAULT '{}'::jsonb NOT NULL,
    origin text NOT NULL,
    actor text NOT NULL,
    batch_id bigint,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT missing_has_no_text CHECK (((text IS NULL) = (state = 'missing'::text))),
    CONSTRAINT origin_is_known CHECK ((origin = ANY (ARRAY['edit'::text, 'review'::text, 'restore'::text, 'import'::text, 'admin'::text]))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['missing'::text, 'needs_review'::text, 'translated'::text, 'approved'::text])))
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
    metrics jsonb DEFAULT '[]'::jsonb NOT NULL,
    attributes jsonb DEFAULT '[]'::jsonb NOT NULL,
    trust text DEFAULT 'server'::text NOT NULL,
    publish_from text DEFAULT 'translated'::text NOT NULL,
    catalog_version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT locale_is_a_language_tag CHECK ((default_locale ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'::text)),
    CONSTRAINT text_unit_is_known CHECK ((text_unit = ANY (ARRAY['string'::text, 'achievement'::text]))),
    CONSTRAINT title_id_is_a_u32 CHECK (((title_id >= 1) AND (title_id <= '4294967295'::bigint)))
);

CREATE TABLE public.user_context (
    context_id bigint NOT NULL,
    title_id bigint NOT NULL,
    uuid uuid NOT NULL,
    of_player text NOT NULL COLLATE pg_catalog."C",
    display_name text NOT NULL,
    is_active boolean NOT NULL,
    scopes text[] NOT NULL,
    CONSTRAINT scopes_are_known CHECK ((scopes <@ ARRAY['AUTHENTICATED'::text, 'ADMINISTRATOR'::text]))
);

ALTER TABLE public.user_context ALTER COLUMN context_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.user_context_context_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.webhook (
    webhook_id bigint NOT NULL,
    title_id bigint NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.webhook ALTER COLUMN webhook_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhook_webhook_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.event ATTACH PARTITION public.event_at_other_times DEFAULT;

ALTER TABLE ONLY public.achievement
    ADD CONSTRAINT achievement_pkey PRIMARY KEY (title_id, number);

ALTER TABLE ONLY public.age_watch
    ADD CONSTRAINT age_watch_pkey PRIMARY KEY (title_id, seconds);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY public.backfill
    ADD CONSTRAINT backfill_pkey PRIMARY KEY (backfill_id);

ALTER TABLE ONLY public.bundle
    ADD CONSTRAINT bundle_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY public.completion
    ADD CONSTRAINT completion_pkey PRIMARY KEY (title_id, number);

ALTER TABLE ONLY public.editor
    ADD CONSTRAINT editor_pkey PRIMARY KEY (editor_id);

ALTER TABLE ONLY public.erased
    ADD CONSTRAINT erased_pkey PRIMARY KEY (player_hash);

ALTER TABLE ONLY public.erasure
    ADD CONSTRAINT erasure_pkey PRIMARY KEY (is_only_row);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (player, title_id, metric, at, event_id, recorded_at);

ALTER TABLE ONLY public.event_at_other_times
    ADD CONSTRAINT event_at_other_times_pkey PRIMARY KEY (player, title_id, metric, at, event_id, recorded_at);

ALTER TABLE ONLY public.fallback
    ADD CONSTRAINT fallback_pkey PRIMARY KEY (title_id, wanted, key, used);

ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (player, title_id, metric, key);

ALTER TABLE ONLY public.import_batch
    ADD CONSTRAINT import_batch_pkey PRIMARY KEY (batch_id);

ALTER TABLE ONLY public.incarnation
    ADD CONSTRAINT incarnation_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY public.metric_day
    ADD CONSTRAINT metric_day_pkey PRIMARY KEY (player, title_id, metric, day);

ALTER TABLE ONLY public.editor
    ADD CONSTRAINT name_has_one_pseudonym UNIQUE (name);

ALTER TABLE ONLY public.import_batch
    ADD CONSTRAINT one_report_of_one_file_and_state UNIQUE (title_id, sha256, catalog_version);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (player, title_id, number, webhook_id);

ALTER TABLE ONLY public.player
    ADD CONSTRAINT player_pkey PRIMARY KEY (player);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT prefix_names_one_key UNIQUE (prefix);

ALTER TABLE ONLY public.progress
    ADD CONSTRAINT progress_pkey PRIMARY KEY (player, title_id);

ALTER TABLE ONLY public.achievement
    ADD CONSTRAINT public_id_names_one_achievement UNIQUE (title_id, public_id) DEFERRABLE;

ALTER TABLE ONLY public.publication
    ADD CONSTRAINT publication_pkey PRIMARY KEY (publication_id);

ALTER TABLE public.title
    ADD CONSTRAINT publish_from_is_known CHECK ((publish_from = ANY (ARRAY['translated'::text, 'approved'::text]))) NOT VALID;

ALTER TABLE ONLY public.release_bundle
    ADD CONSTRAINT release_bundle_pkey PRIMARY KEY (title_id, release, locale);

ALTER TABLE ONLY public.release
    ADD CONSTRAINT release_pkey PRIMARY KEY (title_id, release);

ALTER TABLE ONLY public.revoked_badge
    ADD CONSTRAINT revoked_badge_pkey PRIMARY KEY (player, title_id, number);

ALTER TABLE ONLY public.scheduled_publish
    ADD CONSTRAINT scheduled_publish_pkey PRIMARY KEY (schedule_id);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.title
    ADD CONSTRAINT scid_names_one_title UNIQUE (scid);

ALTER TABLE public.api_key
    ADD CONSTRAINT scopes_are_known CHECK ((scopes <@ ARRAY['events'::text, 'read'::text, 'authoring'::text])) NOT VALID;

ALTER TABLE ONLY public.service_key
    ADD CONSTRAINT service_key_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (sha256);

ALTER TABLE public.text
    ADD CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['needs_review'::text, 'translated'::text, 'approved'::text]))) NOT VALID;

ALTER TABLE ONLY public.status_bit
    ADD CONSTRAINT status_bit_pkey PRIMARY KEY (title_id, list, "position");

ALTER TABLE ONLY public.text
    ADD CONSTRAINT text_pkey PRIMARY KEY (title_id, locale, key);

ALTER TABLE ONLY public.text_revision
    ADD CONSTRAINT text_revision_pkey PRIMARY KEY (title_id, locale, key, version);

ALTER TABLE ONLY public.title
    ADD CONSTRAINT title_pkey PRIMARY KEY (title_id);

ALTER TABLE ONLY public.user_context
    ADD CONSTRAINT user_context_pkey PRIMARY KEY (context_id);

ALTER TABLE ONLY public.user_context
    ADD CONSTRAINT uuid_names_one_context UNIQUE (title_id, uuid);

ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (webhook_id);

CREATE INDEX api_key_of_player ON public.api_key USING btree (of_player) WHERE (of_player IS NOT NULL);

CREATE INDEX outbox_of_webhook ON public.outbox USING btree (webhook_id, due_at) WHERE (died_at IS NULL);

CREATE INDEX progress_by_arrival ON public.progress USING btree (title_id, created_at, player) WHERE (created_at IS NOT NULL);

CREATE INDEX publication_of_title ON public.publication USING btree (title_id, publication_id);

CREATE INDEX schedules_that_wait ON public.scheduled_publish USING btree (due_at) WHERE (status = 'waiting'::text);

CREATE INDEX session_of_name ON public.session USING btree (name, created_at);

CREATE INDEX user_context_of_player ON public.user_context USING btree (of_player);

CREATE INDEX webhook_of_title ON public.webhook USING btree (title_id);

ALTER INDEX public.event_pkey ATTACH PARTITION public.event_at_other_times_pkey;

CREATE TRIGGER import_batch_names_no_editor BEFORE INSERT OR UPDATE OF actor, applied_by ON public.import_batch FOR EACH ROW EXECUTE FUNCTION public.store_pseudonyms_of_editors();

CREATE TRIGGER publication_is_a_history BEFORE DELETE OR UPDATE OR TRUNCATE ON public.publication FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_to_change_history();

CREATE TRIGGER publication_names_no_editor BEFORE INSERT ON public.publication FOR EACH ROW EXECUTE FUNCTION public.store_pseudonyms_of_editors();

CREATE TRIGGER release_bundle_is_a_history BEFORE DELETE OR UPDATE OR TRUNCATE ON public.release_bundle FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_to_change_history();

CREATE TRIGGER release_is_a_history BEFORE DELETE OR UPDATE OR TRUNCATE ON public.release FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_to_change_history();

CREATE TRIGGER scheduled_publish_names_no_editor BEFORE INSERT OR UPDATE OF actor ON public.scheduled_publish FOR EACH ROW EXECUTE FUNCTION public.store_pseudonyms_of_editors();

CREATE TRIGGER text_names_no_editor BEFORE INSERT OR UPDATE OF actor, overrides ON public.text FOR EACH ROW WHEN (((NOT public.is_pseudonym(new.actor)) OR (new.overrides <> '{}'::jsonb))) EXECUTE FUNCTION public.store_pseudonyms_of_editors();

CREATE TRIGGER text_revision_is_a_history BEFORE DELETE OR UPDATE OR TRUNCATE ON public.text_revision FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_to_change_history();

CREATE TRIGGER text_revision_names_no_editor BEFORE INSERT ON public.text_revision FOR EACH ROW WHEN (((NOT public.is_pseudonym(new.actor)) OR (new.overrides <> '{}'::jsonb))) EXECUTE FUNCTION public.store_pseudonyms_of_editors();

ALTER TABLE ONLY public.achievement
    ADD CONSTRAINT achievement_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.age_watch
    ADD CONSTRAINT age_watch_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.backfill
    ADD CONSTRAINT backfill_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.import_batch
    ADD CONSTRAINT batch_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.release_bundle
    ADD CONSTRAINT bundle_is_of_a_release FOREIGN KEY (title_id, release) REFERENCES public.release(title_id, release);

ALTER TABLE ONLY public.release_bundle
    ADD CONSTRAINT bundle_is_there FOREIGN KEY (sha256) REFERENCES public.bundle(sha256);

ALTER TABLE ONLY public.fallback
    ADD CONSTRAINT fallback_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.progress
    ADD CONSTRAINT progress_is_in_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.publication
    ADD CONSTRAINT publication_is_of_a_release FOREIGN KEY (title_id, release) REFERENCES public.release(title_id, release);

ALTER TABLE ONLY public.release
    ADD CONSTRAINT release_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.text_revision
    ADD CONSTRAINT revision_is_of_a_batch FOREIGN KEY (batch_id) REFERENCES public.import_batch(batch_id);

ALTER TABLE ONLY public.text_revision
    ADD CONSTRAINT revision_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.revoked_badge
    ADD CONSTRAINT revoked_badge_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.scheduled_publish
    ADD CONSTRAINT schedule_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.status_bit
    ADD CONSTRAINT status_bit_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.text
    ADD CONSTRAINT text_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.user_context
    ADD CONSTRAINT user_context_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);

ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT webhook_is_of_a_title FOREIGN KEY (title_id) REFERENCES public.title(title_id);
