"""Jobs: the only place that combines the rooms."""
