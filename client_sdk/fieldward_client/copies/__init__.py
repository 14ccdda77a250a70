"""What a device has of the index: sealed files, opened in memory, one's own edits over them."""
