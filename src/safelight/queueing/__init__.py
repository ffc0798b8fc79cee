"""The glue to PgQueuer: entries, the worker, and what each outcome means."""
