"""Words with rules: what every other room speaks, without any input or output."""
