-- Who an application asks for, and how far the clock has given what time alone earns.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- A user as an application of the title knows one: `uuid` is the application's name for them, `of_player` ours.
-- A context that is not active may ask nothing.
CREATE TABLE user_context (
    context_id bigint GENERATED ALWAYS AS IDENTITY,
    title_id bigint NOT NULL,
    uuid uuid NOT NULL,
    of_player text COLLATE "C" NOT NULL,
    display_name text NOT NULL,
    is_active boolean NOT NULL,
    scopes text[] NOT NULL,
    CONSTRAINT user_context_pkey PRIMARY KEY (context_id),
    CONSTRAINT uuid_names_one_context UNIQUE (title_id, uuid),
    CONSTRAINT user_context_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id),
    CONSTRAINT scopes_are_known CHECK (scopes <@ ARRAY['AUTHENTICATED', 'ADMINISTRATOR'])
);

CREATE INDEX user_context_of_player ON user_context (of_player);

-- The players of a title in the order in which they came: the clock looks at those whose time has come.
CREATE INDEX progress_by_arrival ON progress (title_id, created_at, player) WHERE created_at IS NOT NULL;

-- How far the clock has looked: all players who came to the title up to `arrived_at` (ticks), and of those who came at
-- that very moment the ones up to `player_name`, were looked at when they had been there for `seconds`. Until `due_at`
-- somebody is on it.
CREATE TABLE age_watch (
    title_id bigint NOT NULL,
    seconds bigint NOT NULL,
    arrived_at bigint NOT NULL,
    player_name text COLLATE "C" NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT age_watch_pkey PRIMARY KEY (title_id, seconds),
    CONSTRAINT age_watch_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id)
);
