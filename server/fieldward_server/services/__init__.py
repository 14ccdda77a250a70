"""The rules of the service: no HTTP here, no SQL, no clock.

Every service takes a ``Platform`` and the time (``now``, whole seconds since 1970 UTC). ``actor``
is the person or process that acts, ``reason`` a coded word; both go into the event log.
"""
