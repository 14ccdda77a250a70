"""What every agreement is worth (``weights``): published, and never set by hand.

Written by a command, which says what they rest on:

    fieldward population weights --authority E08000039 --authority E06000016 --authority
        E09000030 --authority E06000052 --children 80000 --seed 4
"""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "family": {
        "exact": (0.917, 0.00462),
        "known-spelling": (0.0122, 0.000545),
        "part": (0.0018, 0.000763),
        "sounds-alike": (0.0336, 0.000929),
        "one-slip": (0.0216, 0.000692),
        "beginning": (0.00765, 0.000542),
        "similar": (0.0006, 0.00141),
        "one-in-common": (0.0001, 6.05e-05),
        "different": (0.0058, 0.99),
    },
    "given": {
        "exact": (0.827, 0.00282),
        "known-spelling": (0.0471, 0.00104),
        "part": (0.0622, 0.00128),
        "sounds-alike": (0.0318, 0.00134),
        "one-slip": (0.0188, 0.00131),
        "beginning": (0.0047, 0.000408),
        "similar": (0.00065, 0.00135),
        "one-in-common": (5e-05, 0.000461),
        "different": (0.00785, 0.99),
    },
    "former": {
        "exact": (0.852, 0.00412),
        "known-spelling": (0.00366, 0.00412),
        "part": (0.00183, 0.00412),
        "sounds-alike": (0.0859, 0.00412),
        "one-slip": (0.0384, 0.00412),
        "beginning": (0.011, 0.00412),
        "similar": (0.00183, 0.00412),
        "one-in-common": (0.00183, 0.00412),
        "different": (0.00366, 0.967),
    },
    "order": {
        "exact": (0.978, 1.0),
        "swapped": (0.0165, 1.0),
        "former": (0.2, 1.0),
    },
    "beginning": {
        "exact": (0.218, 0.00115),
        "beginning": (0.727, 0.00913),
        "different": (0.0546, 0.99),
    },
    "born": {
        "exact": (0.923, 0.000155),
        "swapped": (0.00243, 5.18e-05),
        "one-slip": (0.0561, 0.00396),
        "similar": (0.00777, 0.0047),
        "different": (0.0103, 0.991),
    },
    "month": {
        "exact": (0.958, 0.00465),
        "one-slip": (0.0199, 0.0586),
        "different": (0.0222, 0.937),
    },
    "year": {
        "exact": (0.974, 0.0541),
        "one-slip": (0.00466, 0.104),
        "different": (0.0217, 0.842),
    },
    "birthday": {
        "exact": (0.94, 0.00269),
        "one-slip": (0.0485, 0.111),
        "different": (0.0113, 0.887),
    },
    "age": {
        "exact": (0.889, 0.0556),
        "one-slip": (0.102, 0.106),
        "different": (0.00855, 0.839),
    },
    "sex": {
        "exact": (0.998, 0.501),
        "different": (0.00225, 0.499),
    },
    "postcode": {
        "exact": (0.871, 0.000612),
        "one-slip": (0.0681, 0.00602),
        "similar": (0.00896, 0.166),
        "different": (0.0524, 0.827),
    },
    "district": {
        "exact": (0.925, 0.231),
        "one-slip": (0.0564, 0.471),
        "different": (0.0183, 0.298),
    },
    "address": {
        "exact": (0.924, 0.000355),
        "part": (0.0173, 0.0182),
        "one-in-common": (0.0089, 0.158),
        "different": (0.0498, 0.824),
    },
    "nhs_number": {
        "exact": (0.999, 2.69e-06),
        "different": (0.000963, 1.0),
    },
    "carer": {
        "exact": (0.75, 0.000182),
        "known-spelling": (0.00665, 1.84e-05),
        "part": (0.0373, 0.000368),
        "sounds-alike": (0.0848, 0.000179),
        "one-slip": (0.0482, 0.000111),
        "beginning": (0.0147, 8.42e-05),
        "similar": (0.004, 0.000142),
        "one-in-common": (0.0041, 0.016),
        "different": (0.0502, 0.983),
    },
    "school": {
        "exact": (0.952, 0.0186),
        "part": (0.0166, 0.208),
        "one-in-common": (0.0166, 0.39),
        "different": (0.0149, 0.383),
    },
}
