"""Records: what is known of them, what is accepted, what people do with them (design §5)."""
