"""One adapter a company: describe, submit, collect."""
