"""The glue to PgQueuer, against the real one."""
