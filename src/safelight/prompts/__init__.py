"""From what a person typed to what a provider receives."""
