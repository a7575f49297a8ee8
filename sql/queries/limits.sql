-- The limits of statements of a class (service/db/limits.py).

-- name: set_local
-- Set the limits until the end of the transaction.
--   :statement_timeout   :lock_timeout   :idle_in_transaction_session_timeout   text, in milliseconds; 0 for no limit
SELECT
    set_config('statement_timeout', :statement_timeout, TRUE) AS statement_timeout,
    set_config('lock_timeout', :lock_timeout, TRUE) AS lock_timeout,
    set_config('idle_in_transaction_session_timeout', :idle_in_transaction_session_timeout, TRUE) AS idle_timeout;
