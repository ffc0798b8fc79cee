"""What happens when something dies: a process, a database, a line."""
