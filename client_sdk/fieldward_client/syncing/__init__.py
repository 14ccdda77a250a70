"""One sync: up, then down."""
