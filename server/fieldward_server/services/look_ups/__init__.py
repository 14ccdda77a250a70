"""Look-ups, made here or on devices, and who may read of them (design §9)."""
