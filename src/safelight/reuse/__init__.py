"""Serving an earlier result instead of paying for the same one again."""
