"""Made-up children for demonstrations, tests and measurements. Nobody in it exists."""

from fieldward_server.population.authorities import AUTHORITIES, Authority
from fieldward_server.population.blocks import Share
from fieldward_server.population.country import CHILDREN_OF_ENGLAND, Country
from fieldward_server.population.days import REFERENCE_DATE
from fieldward_server.population.generator import Lines, generate, ndjson, plan, records_of

__all__ = [
    "AUTHORITIES",
    "CHILDREN_OF_ENGLAND",
    "REFERENCE_DATE",
    "Authority",
    "Country",
    "Lines",
    "Share",
    "generate",
    "ndjson",
    "plan",
    "records_of",
]
