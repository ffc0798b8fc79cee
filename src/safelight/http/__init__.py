"""The HTTP door: translates requests into one call on the jobs floor."""
