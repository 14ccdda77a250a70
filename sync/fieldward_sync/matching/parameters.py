"""What every agreement is worth (``weights``): published, and never set by hand.

Written by a command, which says what they rest on:

    fieldward population weights --authority E08000039 --authority E06000016 --authority
        E09000030 --authority E06000052 --children 80000 --seed 4
"""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "family": {
        "exact": (0.93, 0.0046),
        "known-spelling": (0.00185, 0.000532),
        "part": (0.00125, 0.000747),
        "sounds-alike": (0.0326, 0.00101),
        "one-slip": (0.0202, 0.000695),
        "beginning": (0.00745, 0.000537),
        "similar": (0.00045, 0.00131),
        "one-in-common": (0.0001, 3.25e-05),
        "different": (0.0065, 0.991),
    },
    "given": {
        "exact": (0.931, 0.00312),
        "known-spelling": (0.00565, 0.000892),
        "part": (0.00245, 0.00153),
        "sounds-alike": (0.0326, 0.00134),
        "one-slip": (0.0192, 0.00136),
        "beginning": (0.0041, 0.000442),
        "similar": (0.00035, 0.00142),
        "one-in-common": (0.00025, 0.000775),
        "different": (0.00475, 0.989),
    },
    "former": {
        "exact": (0.843, 0.0236),
        "known-spelling": (0.0107, 0.00337),
        "part": (0.00178, 0.00337),
        "sounds-alike": (0.0749, 0.00337),
        "one-slip": (0.0499, 0.00337),
        "beginning": (0.00891, 0.00337),
        "similar": (0.00535, 0.00337),
        "one-in-common": (0.00178, 0.00337),
        "different": (0.00357, 0.953),
    },
    "order": {
        "exact": (0.978, 1.0),
        "swapped": (0.0171, 1.0),
        "former": (0.2, 1.0),
    },
    "beginning": {
        "exact": (0.224, 0.00126),
        "beginning": (0.741, 0.00936),
        "different": (0.0354, 0.989),
    },
    "born": {
        "exact": (0.925, 0.000622),
        "swapped": (0.0027, 6.22e-05),
        "one-slip": (0.0556, 0.00397),
        "similar": (0.00736, 0.00484),
        "different": (0.0098, 0.991),
    },
    "month": {
        "exact": (0.957, 0.00521),
        "one-slip": (0.0202, 0.0586),
        "different": (0.0227, 0.936),
    },
    "year": {
        "exact": (0.973, 0.055),
        "one-slip": (0.00425, 0.104),
        "different": (0.0228, 0.841),
    },
    "birthday": {
        "exact": (0.943, 0.00322),
        "one-slip": (0.0459, 0.111),
        "different": (0.0115, 0.886),
    },
    "age": {
        "exact": (0.892, 0.0563),
        "one-slip": (0.0992, 0.105),
        "different": (0.0091, 0.839),
    },
    "sex": {
        "exact": (0.997, 0.5),
        "different": (0.0025, 0.5),
    },
    "postcode": {
        "exact": (0.863, 0.00411),
        "one-slip": (0.0687, 0.0061),
        "similar": (0.0121, 0.167),
        "different": (0.0565, 0.823),
    },
    "district": {
        "exact": (0.925, 0.236),
        "one-slip": (0.0565, 0.47),
        "different": (0.019, 0.294),
    },
    "address": {
        "exact": (0.924, 0.00332),
        "part": (0.0197, 0.0179),
        "one-in-common": (0.0103, 0.156),
        "different": (0.0461, 0.823),
    },
    "nhs_number": {
        "exact": (0.999, 3.07e-05),
        "different": (0.000608, 1.0),
    },
    "carer": {
        "exact": (0.748, 0.00278),
        "known-spelling": (0.00605, 2.25e-05),
        "part": (0.0366, 0.000312),
        "sounds-alike": (0.0902, 0.00018),
        "one-slip": (0.0458, 0.000117),
        "beginning": (0.0131, 0.00013),
        "similar": (0.00415, 0.000155),
        "one-in-common": (0.00445, 0.0156),
        "different": (0.0512, 0.981),
    },
    "school": {
        "exact": (0.952, 0.0221),
        "part": (0.0166, 0.207),
        "one-in-common": (0.0154, 0.384),
        "different": (0.0157, 0.387),
    },
}
