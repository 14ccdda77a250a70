"""What an agreement is worth (Fellegi and Sunter, A Theory for Record Linkage, 1969).

For each field and level of agreement there are two published probabilities: *m*, that who is meant
agrees so, and *u*, that anybody else does. The weight is log2(m/u), in bits: a record that weighs
ten bits more is a thousand times as likely to be meant.
"""

from __future__ import annotations

from math import log2

from fieldward_sync.matching.levels import Level
from fieldward_sync.matching.parameters import PARAMETERS

_WEIGHTS = {
    (field, Level(level)): log2(m / u)
    for field, levels in PARAMETERS.items()
    for level, (m, u) in levels.items()
}


def weight(field: str, level: Level) -> float:
    """How many bits it speaks for a record that a field agrees with it at this level."""
    return _WEIGHTS[field, level]


def most(field: str) -> float:
    """What a field weighs that agrees exactly."""
    return _WEIGHTS[field, Level.EXACT]
