-- Each webhook has a queue of its own: one that hangs holds up no other.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

CREATE INDEX outbox_of_webhook ON outbox (webhook_id, due_at) WHERE died_at IS NULL;

-- The service of before goes on without it: it only claims more slowly.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX outbox_by_due;
