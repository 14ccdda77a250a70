"""Partitions: what they choose, and how that is held, numbered, sealed and listed (design §6)."""
