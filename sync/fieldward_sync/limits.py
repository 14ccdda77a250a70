"""What a record's fields may hold: named bounds and closed lists (D2: no free text anywhere).

Lengths are in Unicode code points. The lists are codes; pages and apps word them for people.
"""

from __future__ import annotations

MAX_NAME_CHARACTERS = 70
"""For a family or given name: twice the 35 of the NHS Data Dictionary, which cuts real names."""

MAX_NAME_WORDS = 6
"""A note would fit into 70 letters; few names have more words than this."""

MAX_ORGANISATION_CHARACTERS = 100
MAX_ADDRESS_LINES = 5
MAX_ADDRESS_LINE_CHARACTERS = 60
MAX_EMAIL_CHARACTERS = 100
MAX_PHONE_CHARACTERS = 24

EARLIEST_DATE = "1980-01-01"
LATEST_DATE = "2099-12-31"

MAX_MEMBERS = {"former_names": 16, "carers": 24, "involvements": 128, "disputes": 32}
"""What has ended stays as history (D4), so these are a whole childhood's worth."""

SEXES = ("female", "male", "not-specified")

WITHHELD_REASONS = ("detrimental-to-child", "not-known-in-time")
"""Why a record has no NHS number (D7: Children Act 2004 s.16LC(5)-(8))."""

ADDRESS_KINDS = ("current", "last-known", "no-known-address", "left-england")
"""One of these always stands in a record: an absence is data, never a blank (D1, D3)."""

LOCATED_KINDS = ADDRESS_KINDS[:2]
"""The kinds that say where: only these have lines and a postcode."""

RETURN_INTENTIONS = ("yes", "no", "unknown")
"""Whether a child who left England is to return within three years (D1)."""

CARER_RELATIONS = (
    "mother",
    "father",
    "parent",
    "step-parent",
    "adoptive-parent",
    "grandparent",
    "aunt-or-uncle",
    "sibling",
    "other-relative",
    "family-friend",
    "guardian",
    "foster-carer",
    "residential-worker",
    "local-authority",
)

SENSITIVE_SERVICES = ("mental-health", "sexual-health", "substance-misuse")
"""Stored only on one of ``SENSITIVE_GROUNDS`` (C1: SI 2007/2182 reg 11(3))."""

ORDINARY_SERVICES = (
    "audiology",
    "community-nursing",
    "community-paediatrics",
    "dietetics",
    "early-help",
    "education-welfare",
    "educational-psychology",
    "family-hub",
    "family-nurse-partnership",
    "health-visiting",
    "housing-support",
    "looked-after-health",
    "midwifery",
    "occupational-therapy",
    "ophthalmology",
    "physiotherapy",
    "police",
    "portage",
    "probation",
    "safeguarding-nursing",
    "school-nursing",
    "social-care",
    "special-educational-needs",
    "speech-and-language-therapy",
    "voluntary-support",
    "young-carers",
    "youth-justice",
)

SERVICES = tuple(sorted(ORDINARY_SERVICES + SENSITIVE_SERVICES))

SENSITIVE_GROUNDS = ("consent", "suspected-significant-harm")
"""The two legal grounds for an entry of a sensitive service (C1)."""

ROLES = (
    "audiologist",
    "case-worker",
    "community-nurse",
    "dietitian",
    "education-welfare-officer",
    "educational-psychologist",
    "family-nurse",
    "family-support-worker",
    "health-visitor",
    "housing-officer",
    "key-worker",
    "mental-health-practitioner",
    "midwife",
    "nursery-nurse",
    "occupational-therapist",
    "orthoptist",
    "paediatrician",
    "physiotherapist",
    "police-officer",
    "portage-worker",
    "probation-officer",
    "safeguarding-nurse",
    "school-nurse",
    "send-coordinator",
    "sexual-health-nurse",
    "social-worker",
    "speech-and-language-therapist",
    "substance-misuse-worker",
    "team-manager",
    "youth-justice-worker",
)

DISPUTED_BY = ("subject", "carer", "professional", "other")
"""Who says that a value is wrong or out of date, without a name (R2): the child is the subject."""

DISPUTE_OUTCOMES = ("corrected", "upheld", "not-upheld", "withdrawn")
"""How a dispute ended: another value stands now; it is wrong, and what is right is not known; it
stands; whoever disputed it does so no more. One that has no outcome is open."""

RAISED = "raised"
RELEASED = "released"
LATCH_VALUES = (RAISED, RELEASED)

SETTLING_REASONS = (
    "confirmed-by-family",
    "confirmed-by-source",
    "entered-in-error",
    "out-of-date",
    "same-in-other-words",
)
"""Why one of several values stands: an administrator says which it is when they settle."""

SETTLED_BY_COLLEAGUE = "settled-by-colleague"
"""The reason in a notice where somebody settled it who works with the child."""
