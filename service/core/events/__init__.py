"""Events and what they change: writing, the event log, totals, backfills, the outbox and subscriptions."""
