"""What every agreement is worth (``weights``): published, and never set by hand.

Written by a command, which says what they rest on:

    fieldward population weights --authority E08000039 --authority E06000016 --authority
        E09000030 --authority E06000052 --children 80000 --seed 4
"""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "family": {
        "exact": (0.901, 0.0045),
        "known-spelling": (0.0156, 0.000511),
        "part": (0.0122, 0.00065),
        "sounds-alike": (0.0344, 0.000974),
        "one-slip": (0.0199, 0.000724),
        "beginning": (0.0074, 0.000466),
        "similar": (0.00045, 0.00144),
        "one-in-common": (0.00015, 2.11e-05),
        "different": (0.00895, 0.991),
    },
    "given": {
        "exact": (0.828, 0.00282),
        "known-spelling": (0.0486, 0.00117),
        "part": (0.0615, 0.00123),
        "sounds-alike": (0.0317, 0.00127),
        "one-slip": (0.017, 0.00142),
        "beginning": (0.00475, 0.000421),
        "similar": (0.00045, 0.0014),
        "one-in-common": (0.0003, 0.000395),
        "different": (0.0077, 0.99),
    },
    "former": {
        "exact": (0.846, 0.0104),
        "known-spelling": (0.0076, 0.00347),
        "part": (0.0019, 0.00347),
        "sounds-alike": (0.0798, 0.00347),
        "one-slip": (0.0399, 0.00347),
        "beginning": (0.0152, 0.00347),
        "similar": (0.0057, 0.00347),
        "one-in-common": (0.0019, 0.00347),
        "different": (0.0019, 0.965),
    },
    "order": {
        "exact": (0.978, 1.0),
        "swapped": (0.0168, 1.0),
        "former": (0.2, 1.0),
    },
    "beginning": {
        "exact": (0.22, 0.00116),
        "beginning": (0.726, 0.00942),
        "different": (0.0547, 0.989),
    },
    "born": {
        "exact": (0.926, 0.000128),
        "swapped": (0.00244, 4.09e-05),
        "one-slip": (0.0538, 0.00384),
        "similar": (0.00689, 0.00462),
        "different": (0.0105, 0.991),
    },
    "month": {
        "exact": (0.959, 0.00454),
        "one-slip": (0.0201, 0.058),
        "different": (0.0209, 0.937),
    },
    "year": {
        "exact": (0.975, 0.0539),
        "one-slip": (0.00477, 0.104),
        "different": (0.0205, 0.842),
    },
    "birthday": {
        "exact": (0.942, 0.00265),
        "one-slip": (0.0461, 0.11),
        "different": (0.0121, 0.887),
    },
    "age": {
        "exact": (0.891, 0.0549),
        "one-slip": (0.101, 0.105),
        "different": (0.00805, 0.84),
    },
    "sex": {
        "exact": (0.998, 0.501),
        "different": (0.00245, 0.499),
    },
    "postcode": {
        "exact": (0.867, 0.000733),
        "one-slip": (0.0674, 0.00614),
        "similar": (0.0108, 0.167),
        "different": (0.0547, 0.826),
    },
    "district": {
        "exact": (0.926, 0.234),
        "one-slip": (0.0557, 0.472),
        "different": (0.0186, 0.294),
    },
    "address": {
        "exact": (0.922, 0.000282),
        "part": (0.0215, 0.018),
        "one-in-common": (0.00936, 0.158),
        "different": (0.0472, 0.824),
    },
    "nhs_number": {
        "exact": (0.999, 2.69e-06),
        "different": (0.00122, 1.0),
    },
    "carer": {
        "exact": (0.747, 0.000142),
        "known-spelling": (0.005, 1.32e-05),
        "part": (0.0384, 0.000368),
        "sounds-alike": (0.0912, 0.000134),
        "one-slip": (0.0459, 0.000113),
        "beginning": (0.0136, 0.000145),
        "similar": (0.00385, 0.000192),
        "one-in-common": (0.0047, 0.0154),
        "different": (0.0502, 0.983),
    },
    "school": {
        "exact": (0.951, 0.0178),
        "part": (0.0154, 0.208),
        "one-in-common": (0.0179, 0.387),
        "different": (0.0152, 0.387),
    },
}
