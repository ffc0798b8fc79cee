"""The connection to PostgreSQL: bundled or given, migrated, and woken up after commits."""
