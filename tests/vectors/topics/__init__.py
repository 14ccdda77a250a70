"""The topics: what the cases of each file are."""
