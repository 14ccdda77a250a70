"""A record as it is loaded, and the same with something changed."""

from __future__ import annotations

import copy
from typing import Any

RECORD: dict[str, Any] = {
    "record_id": "k7f3m2q4x5a6",
    "authority": "E08000003",
    "name": {"family": "Okafor", "given": "Ada"},
    "born": "2021-03-14",
    "sex": "female",
    "nhs_number": "9434765919",
    "address": {"kind": "current", "lines": ["Flat 2, 4 High Street"], "postcode": "M14 5AB"},
    "school": {"code": "900001", "name": "St Mary's C of E Primary", "since": "2025-09-02"},
    "gp": {"code": "Z00001", "name": "Moss Side Medical Centre"},
    "former_names": {"f1": {"family": "Eze", "given": "Ada"}},
    "carers": {"c1": {"family": "Okafor", "given": "Ngozi", "relation": "mother"}},
    "involvements": {
        "8f2c": {
            "service": "health-visiting",
            "role": "health-visitor",
            "organisation": "Manchester Children's Community Health",
            "team": "HV-MOS-01",
            "practitioner": "Siân O'Neill-Jones",
            "phone": "07700 900123",
            "email": "s.oneill@manchester.example",
            "since": "2021-03-26",
            "lead": True,
        }
    },
    "assessment_exists": True,
    "disputes": {"d1": {"path": "carers/c1.phone", "since": "2026-01-05", "by": "carer"}},
}


def record(**changes: object) -> dict[str, Any]:
    return {**copy.deepcopy(RECORD), **changes}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in record().items() if name not in names}


def involvement(**changes: object) -> dict[str, Any]:
    return record(involvements={"8f2c": {**RECORD["involvements"]["8f2c"], **changes}})
