"""Who is asking, and how much may they ask."""
