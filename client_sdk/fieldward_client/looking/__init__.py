"""A session: searching, asking on line, opening and editing a child's entry."""
