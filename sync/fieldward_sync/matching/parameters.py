"""Published parameters (m, u) per field and level."""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "family": {
        "exact": (0.8, 0.004),
        "known-spelling": (0.03, 0.001),
        "part": (0.03, 0.001),
        "sounds-alike": (0.04, 0.002),
        "one-slip": (0.05, 0.002),
        "beginning": (0.02, 0.002),
        "similar": (0.015, 0.003),
        "one-in-common": (0.005, 0.003),
        "different": (0.01, 0.98),
    },
    "given": {
        "exact": (0.8, 0.004),
        "known-spelling": (0.03, 0.001),
        "part": (0.03, 0.001),
        "sounds-alike": (0.04, 0.002),
        "one-slip": (0.05, 0.002),
        "beginning": (0.02, 0.002),
        "similar": (0.015, 0.003),
        "one-in-common": (0.005, 0.003),
        "different": (0.01, 0.98),
    },
    "former": {
        "exact": (0.8, 0.004),
        "known-spelling": (0.03, 0.001),
        "part": (0.03, 0.001),
        "sounds-alike": (0.04, 0.002),
        "one-slip": (0.05, 0.002),
        "beginning": (0.02, 0.002),
        "similar": (0.015, 0.003),
        "one-in-common": (0.005, 0.003),
        "different": (0.01, 0.98),
    },
    "order": {
        "exact": (0.97, 0.95),
        "swapped": (0.01, 0.02),
        "former": (0.02, 0.03),
    },
    "beginning": {
        "exact": (0.3, 0.005),
        "beginning": (0.69, 0.01),
        "different": (0.01, 0.98),
    },
    "born": {
        "exact": (0.85, 0.00015),
        "swapped": (0.02, 0.0002),
        "one-slip": (0.09, 0.006),
        "similar": (0.03, 0.07),
        "different": (0.01, 0.92),
    },
    "month": {
        "exact": (0.9, 0.0046),
        "one-slip": (0.08, 0.1),
        "different": (0.02, 0.9),
    },
    "year": {
        "exact": (0.93, 0.055),
        "one-slip": (0.05, 0.11),
        "different": (0.02, 0.83),
    },
    "birthday": {
        "exact": (0.93, 0.0027),
        "one-slip": (0.05, 0.11),
        "different": (0.02, 0.88),
    },
    "age": {
        "exact": (0.93, 0.055),
        "one-slip": (0.05, 0.11),
        "different": (0.02, 0.83),
    },
    "sex": {
        "exact": (0.99, 0.5),
        "different": (0.01, 0.5),
    },
    "postcode": {
        "exact": (0.82, 0.0005),
        "one-slip": (0.08, 0.001),
        "similar": (0.04, 0.05),
        "different": (0.06, 0.95),
    },
    "district": {
        "exact": (0.88, 0.05),
        "one-slip": (0.04, 0.1),
        "different": (0.06, 0.84),
    },
    "address": {
        "exact": (0.8, 0.001),
        "part": (0.1, 0.01),
        "one-in-common": (0.05, 0.1),
        "different": (0.05, 0.89),
    },
    "nhs_number": {
        "exact": (0.999, 1e-07),
        "different": (0.001, 0.9999999),
    },
    "carer": {
        "exact": (0.8, 0.004),
        "known-spelling": (0.03, 0.001),
        "part": (0.03, 0.001),
        "sounds-alike": (0.04, 0.002),
        "one-slip": (0.05, 0.002),
        "beginning": (0.02, 0.002),
        "similar": (0.015, 0.003),
        "one-in-common": (0.005, 0.003),
        "different": (0.01, 0.98),
    },
    "school": {
        "exact": (0.8, 0.01),
        "part": (0.1, 0.05),
        "one-in-common": (0.05, 0.2),
        "different": (0.05, 0.74),
    },
}
