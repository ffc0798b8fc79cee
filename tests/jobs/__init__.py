"""Jobs, their story and their pages, on a real database."""
