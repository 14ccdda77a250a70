"""What goes between a device and the index: syncs, and what they bring."""
