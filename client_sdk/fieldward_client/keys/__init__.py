"""Who is who on a device, and the keys that open what lies on it (design §7)."""
