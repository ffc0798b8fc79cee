"""Real HTTP servers that stand in for providers, as tests and as separate processes."""
