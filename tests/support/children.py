"""Children as people load them, and a phone number to change."""

from __future__ import annotations

import zlib
from datetime import date, timedelta

AUTHORITY = "E08000039"
TEAM = "HV-1"
PHONE = "involvements/a1.phone"


def child(record_id: str, **fields: object) -> dict[str, object]:
    """A record as people load it, in the care of ``TEAM``."""
    return {
        "record_id": record_id,
        "authority": AUTHORITY,
        "name": {"family": "Okafor", "given": "Ada"},
        "born": "2021-03-04",
        "sex": "female",
        "nhs_number_withheld": "not-known-in-time",
        "address": {"kind": "current", "lines": ["1 High Street"], "postcode": "M14 5AB"},
        "involvements": {
            "a1": {
                "service": "health-visiting",
                "team": TEAM,
                "since": "2021-04-01",
                "phone": "07700 900001",
            }
        },
        **fields,
    }


def stranger(record_id: str, **fields: object) -> dict[str, object]:
    """A record of a child whom nobody would take for another."""
    number = zlib.crc32(record_id.encode())
    letters = f"{number:08x}".translate(str.maketrans("0123456789abcdef", "aeioubdfgklmnprt"))
    born = date(2008, 1, 1) + timedelta(days=number % 6000)
    name = {"family": letters[:4].title(), "given": letters[4:].title()}
    return child(record_id, **{"name": name, "born": born.isoformat(), **fields})
