-- Badges that were taken back: who held them and why, and apart from that the bits that anybody may read.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- An award whose badge was revoked. `list` and `position` say which bit is set for it; `reason` is for operators.
CREATE TABLE revoked_badge (
    player text COLLATE "C" NOT NULL,
    title_id bigint NOT NULL,
    number bigint NOT NULL,
    list bigint NOT NULL,
    position integer NOT NULL,
    reason text,
    revoked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT revoked_badge_pkey PRIMARY KEY (player, title_id, number),
    CONSTRAINT revoked_badge_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id)
);

-- The bits that are set in a title's status lists. A keyed hash chose them, so they name nobody, and they stay when
-- the player is erased: a badge that was revoked must not become good by that.
CREATE TABLE status_bit (
    title_id bigint NOT NULL,
    list bigint NOT NULL,
    position integer NOT NULL,
    CONSTRAINT status_bit_pkey PRIMARY KEY (title_id, list, position),
    CONSTRAINT status_bit_is_of_a_title FOREIGN KEY (title_id) REFERENCES title (title_id)
);
