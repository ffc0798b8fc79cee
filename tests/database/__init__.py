"""The database: bundled or given, migrated, woken up, and outlived."""
