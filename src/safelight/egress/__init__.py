"""The way out: every HTTP connection of the server is made here, and only to where it may lead."""
