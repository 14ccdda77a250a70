"""Finding the right child: one way of matching for devices, the server's enquiries and duplicates.

Everything here is pure. ``query`` says what is remembered; ``blocking`` finds records that could be
meant by a few look-ups of keys; ``comparison`` says how far each term agrees with what a view
shows; ``weights`` and ``parameters`` what that is worth; ``ranking`` which records to show.

Only what a view shows is matched (H2): what is hidden never was in it.
"""
