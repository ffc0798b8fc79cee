"""Sketch: the built-in model that paints from a prompt's words, without a key, a GPU or any AI."""
