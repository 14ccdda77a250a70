"""Test vectors for other implementations, and their generator (``docs/protocol/vectors.md``)."""
