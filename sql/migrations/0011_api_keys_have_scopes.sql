-- API keys have a name, scopes and an expiry, and say when they were used last.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- scopes        what the key may be used for; keys of before may be used for all that they were
-- expires_at    NULL for never
-- last_used_at  about a minute exact; NULL for never, or not since this column is there
ALTER TABLE api_key
ADD COLUMN name text,
ADD COLUMN scopes text[] NOT NULL DEFAULT '{events,read,authoring}',
ADD COLUMN expires_at timestamptz,
ADD COLUMN last_used_at timestamptz;

ALTER TABLE api_key
ADD CONSTRAINT scopes_are_known CHECK (scopes <@ ARRAY['events', 'read', 'authoring']) NOT VALID;
