"""Who may hold what on which device, until when, and what has become of it (design §7, §8)."""
