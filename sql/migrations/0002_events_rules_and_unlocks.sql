-- What players do: events, what they add up to, who is told of an unlock, and which keys may write.
--
-- Everything is added beside what is there, so that the service of before goes on while this runs.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- What a title counts and knows of players, and whether it trusts its clients: read and written whole.
ALTER TABLE title
ADD COLUMN metrics jsonb NOT NULL DEFAULT '[]',
ADD COLUMN attributes jsonb NOT NULL DEFAULT '[]',
ADD COLUMN trust text NOT NULL DEFAULT 'server';

-- standings   {measure: value so far}: a decimal as text, [length, last day, longest] of a streak, or members
-- profile     what the title knows of the player: names, time zone, attributes
-- created_at  when the player was first seen in the title, in ticks; NULL in rows of before, and in imported ones
ALTER TABLE progress
ADD COLUMN standings jsonb,
ADD COLUMN profile jsonb,
ADD COLUMN created_at bigint;

-- What happened, as it was told; never changed. Partitioned by the month of recording, so that old months can be
-- dropped whole: nothing that is counted depends on them. `at` is when it happened, in ticks.
CREATE TABLE event (
    player text COLLATE "C" NOT NULL,
    title_id bigint NOT NULL,
    metric text NOT NULL,
    at bigint NOT NULL,
    event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    amount numeric NOT NULL,
    attributes jsonb,
    CONSTRAINT event_pkey PRIMARY KEY (player, title_id, metric, at, event_id, recorded_at)
) PARTITION BY RANGE (recorded_at);

-- Takes what no month was made for; empty as long as the months are made ahead.
CREATE TABLE event_at_other_times PARTITION OF event DEFAULT;

-- What one day of a player's own calendar added to a metric. `is_active`: an amount above 0 came that day.
CREATE TABLE metric_day (
    player text COLLATE "C" NOT NULL,
    title_id bigint NOT NULL,
    metric text NOT NULL,
    day date NOT NULL,
    change numeric NOT NULL,
    is_active boolean NOT NULL,
    CONSTRAINT metric_day_pkey PRIMARY KEY (player, title_id, metric, day)
);

-- Which event was told under which key: the second telling of the same changes nothing.
CREATE TABLE idempotency (
    player text COLLATE "C" NOT NULL,
    title_id bigint NOT NULL,
    metric text NOT NULL,
    key text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    CONSTRAINT idempotency_pkey PRIMARY KEY (player, title_id, metric, key)
);

-- The revision at which a player was erased, under a keyed hash of the name: a player of the same name begins above
-- it, so that nothing remembered of the old one is taken for the new one.
CREATE TABLE erased (
    player_hash bytea NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT erased_pkey PRIMARY KEY (player_hash),
    CONSTRAINT player_hash_has_32_bytes CHECK (octet_length(player_hash) = 32)
);

-- How many players hold an achievement, as far as `completion_delta` was folded; number 0 counts the title's players.
CREATE TABLE completion (
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    players bigint NOT NULL,
    CONSTRAINT completion_pkey PRIMARY KEY (title_id, number)
);

-- Who is told of a title's unlocks. The secret signs what is sent.
CREATE TABLE webhook (
    webhook_id bigint GENERATED ALWAYS AS IDENTITY,
    title_id bigint NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_pkey PRIMARY KEY (webhook_id),
    CONSTRAINT webhook_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id)
);

CREATE INDEX webhook_of_title ON webhook (title_id);

-- What is still to be told: a row for each unlock and webhook, written with the unlock, gone once it was delivered.
-- A row with `died_at` was tried as often as it will be by itself.
CREATE TABLE outbox (
    player text COLLATE "C" NOT NULL,
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    webhook_id bigint NOT NULL,
    at bigint NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    error text,
    died_at timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (player, title_id, number, webhook_id)
);

CREATE INDEX outbox_by_due ON outbox (due_at) WHERE died_at IS NULL;

-- Keys of servers and of players: only a digest of the secret part is kept. `of_player` NULL: of the title itself.
CREATE TABLE api_key (
    key_id uuid NOT NULL,
    title_id bigint NOT NULL,
    prefix text COLLATE "C" NOT NULL,
    sha256 bytea NOT NULL,
    of_player text COLLATE "C",
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    CONSTRAINT api_key_pkey PRIMARY KEY (key_id),
    CONSTRAINT prefix_names_one_key UNIQUE (prefix),
    CONSTRAINT api_key_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id),
    CONSTRAINT sha256_has_32_bytes CHECK (octet_length(sha256) = 32)
);

CREATE INDEX api_key_of_player ON api_key (of_player) WHERE of_player IS NOT NULL;

-- A walk over a title's players that gives them what they had reached before it could be unlocked. `numbers` are the
-- achievements; `position` is the last player it has passed, NULL at its beginning; until `due_at` somebody is on it.
-- Gone once it is through.
CREATE TABLE backfill (
    backfill_id bigint GENERATED ALWAYS AS IDENTITY,
    title_id bigint NOT NULL,
    numbers bigint[] NOT NULL,
    position text COLLATE "C",
    due_at timestamptz NOT NULL DEFAULT now(),
    players bigint NOT NULL DEFAULT 0,
    unlocks bigint NOT NULL DEFAULT 0,
    CONSTRAINT backfill_pkey PRIMARY KEY (backfill_id),
    CONSTRAINT backfill_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id)
);

-- Makes partitions of `event` for this month and those after it, as many as asked for, where there is none.
-- A month that rows went elsewhere for already is left as it is.
CREATE FUNCTION make_event_months(months integer) RETURNS void LANGUAGE plpgsql AS $$
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

-- Drops the partitions of `event` that ended more than so many months before this month; says which.
CREATE FUNCTION drop_event_months(older_than integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
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
END $$;
