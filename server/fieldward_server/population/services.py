"""Which services work with a child, by age: a table, and the draw from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from fieldward_server.population.days import CHILDHOOD, YEAR
from fieldward_server.population.draws import Draw


class Employer(Enum):
    """Who employs a team; the value is the organisation's name."""

    HEALTH = "{name} Children's Community Health"
    HOSPITAL = "{name} Women's and Children's Hospital"
    COUNCIL = "{council}"
    MENTAL_HEALTH = "{name} Child and Adolescent Mental Health Service"
    VOLUNTARY = "{name} Families Together"


@dataclass(frozen=True)
class ServiceKind:
    """A service, whom it is for, and how common it is."""

    service: str
    role: str
    team_prefix: str
    employer: Employer
    from_age: int
    until_age: int
    """Years; the child is taken on from the first to before the second."""

    share: float
    """Of the children of that age, how many have or had it."""

    ongoing: float = 0.5
    """Of those still of that age, how many still have it."""


_HEALTH, _HOSPITAL, _COUNCIL, _CAMHS, _VOLUNTARY = Employer

MIDWIFERY = ServiceKind("midwifery", "midwife", "MW", _HOSPITAL, 0, 1, 1.0)
SOCIAL_CARE = ServiceKind("social-care", "social-worker", "SC", _COUNCIL, 0, 18, 0.05, 0.6)
LOOKED_AFTER = ServiceKind(
    "looked-after-health", "community-nurse", "LAC", _HEALTH, 0, 18, 0.0, 1.0
)

BY_CHANCE = (
    SOCIAL_CARE,
    ServiceKind("early-help", "family-support-worker", "EH", _COUNCIL, 0, 18, 0.09, 0.4),
    ServiceKind("family-hub", "family-support-worker", "FH", _COUNCIL, 0, 5, 0.22, 0.5),
    ServiceKind("family-nurse-partnership", "family-nurse", "FNP", _HEALTH, 0, 2, 0.01, 0.9),
    ServiceKind("portage", "portage-worker", "POR", _COUNCIL, 0, 4, 0.012, 0.7),
    ServiceKind(
        "speech-and-language-therapy", "speech-and-language-therapist", "SLT", _HEALTH, 2, 11, 0.14
    ),
    ServiceKind("community-paediatrics", "paediatrician", "CP", _HEALTH, 1, 17, 0.07, 0.6),
    ServiceKind("audiology", "audiologist", "AUD", _HOSPITAL, 0, 9, 0.05, 0.3),
    ServiceKind("ophthalmology", "orthoptist", "OPH", _HOSPITAL, 3, 9, 0.06, 0.4),
    ServiceKind("physiotherapy", "physiotherapist", "PHY", _HEALTH, 0, 17, 0.03, 0.3),
    ServiceKind("occupational-therapy", "occupational-therapist", "OT", _HEALTH, 3, 15, 0.03, 0.4),
    ServiceKind("dietetics", "dietitian", "DIE", _HEALTH, 0, 17, 0.02, 0.4),
    ServiceKind("special-educational-needs", "send-coordinator", "SEN", _COUNCIL, 3, 18, 0.09, 0.9),
    ServiceKind(
        "educational-psychology", "educational-psychologist", "EP", _COUNCIL, 4, 17, 0.04, 0.3
    ),
    ServiceKind(
        "education-welfare", "education-welfare-officer", "EWO", _COUNCIL, 6, 16, 0.05, 0.5
    ),
    ServiceKind("young-carers", "key-worker", "YC", _VOLUNTARY, 7, 18, 0.02, 0.8),
    ServiceKind("voluntary-support", "family-support-worker", "VS", _VOLUNTARY, 0, 18, 0.03),
    ServiceKind("housing-support", "housing-officer", "HS", _COUNCIL, 0, 18, 0.02),
    ServiceKind("youth-justice", "youth-justice-worker", "YJ", _COUNCIL, 11, 18, 0.012),
    ServiceKind("mental-health", "mental-health-practitioner", "MH", _CAMHS, 8, 18, 0.055),
    ServiceKind("sexual-health", "sexual-health-nurse", "SH", _HEALTH, 14, 18, 0.012),
    ServiceKind("substance-misuse", "substance-misuse-worker", "SM", _VOLUNTARY, 13, 18, 0.01),
)

SERVICE_KINDS = (MIDWIFERY, LOOKED_AFTER, *BY_CHANCE)
"""All that other teams than the locality's provide."""


_MONTH = 30
"""Days; the likelihood of a service is reckoned anew for every month of age."""


def _likelihood(kind: ServiceKind, age_days: int) -> float:
    """Services begin evenly over the years they are for, so the young have had fewer."""
    if age_days < kind.from_age * YEAR:
        return 0.0
    years_open = kind.until_age - kind.from_age
    return kind.share * min(1.0, (age_days / YEAR - kind.from_age + 1) / years_open)


_BY_MONTH_OF_AGE = tuple(
    tuple(
        (kind, likelihood)
        for kind in BY_CHANCE
        if (likelihood := _likelihood(kind, month * _MONTH))
    )
    for month in range(CHILDHOOD // _MONTH + 1)
)


def further_services(
    draw: Draw, *, age_days: int, looked_after: bool, at_most: int
) -> list[ServiceKind]:
    """The services a child of this age has or had beyond midwife, health visitor, school nurse."""
    drawn = [kind for kind, share in _BY_MONTH_OF_AGE[age_days // _MONTH] if draw() < share]
    if looked_after:
        drawn = [SOCIAL_CARE, LOOKED_AFTER, *(kind for kind in drawn if kind is not SOCIAL_CARE)]
    return drawn[:at_most]
