-- PgQueuer's own installation has just run. What it would cost us is removed:

-- A transaction that notifies takes a database-wide lock at its commit (3,165 enqueues a second
-- without the trigger, 447 with it). Wake-ups are sent after the commit instead (wakeups.py).
DROP TRIGGER tg_pgqueuer_changed ON queue.pgqueuer;
DROP FUNCTION queue.fn_pgqueuer_changed();

-- Indexes that only its dashboard reads; each is written three times in an entry's life.
DROP INDEX queue.pgqueuer_priority_id_id1_idx;
DROP INDEX queue.pgqueuer_updated_id_id1_idx;
DROP INDEX queue.pgqueuer_log_created;
DROP INDEX queue.pgqueuer_log_status;

-- The queue's rows live for seconds: look for dead ones often, and leave room for updates in place.
ALTER TABLE queue.pgqueuer SET (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);
