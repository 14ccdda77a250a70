"""Made-up children for demonstrations, tests and measurements. Nobody in it exists."""

from fieldward_server.population.authorities import AUTHORITIES, Authority
from fieldward_server.population.generator import REFERENCE_DATE, generate, write_ndjson

__all__ = ["AUTHORITIES", "REFERENCE_DATE", "Authority", "generate", "write_ndjson"]
