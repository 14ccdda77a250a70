"""JSON that programs read, and that a terminal may be shown as well."""

from __future__ import annotations

import re

import msgspec

_C1 = re.compile(rb"\xc2([\x80-\x9f])")
"""U+0080 to U+009F in UTF-8: terminals obey them as they obey ESC, and JSON lets them stand."""


def json_line(value: object) -> bytes:
    """A value as one line of JSON. What it holds may have been typed by somebody else: no character
    that a terminal obeys stands in it, only its escape."""
    return _C1.sub(lambda found: b"\\u00%02x" % found[1][0], msgspec.json.encode(value))
