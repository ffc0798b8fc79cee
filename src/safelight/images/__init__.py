"""Picture bytes: kept, checked, and made small."""
