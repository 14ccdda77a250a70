"""The schema's history: a file of statements for each step, applied once, in one transaction with
the record of it. Both databases have it; a driver replaces words that its own does not know.

A step is never edited once it has been released; what changes is a further file, whose number puts
it after the others.
"""

from __future__ import annotations

from importlib.resources import files

from fieldward_server.storage.driver import Driver
from fieldward_sync.errors import CallerMistake

RECORD_OF_STEPS = "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)"
"""What a driver's ``prepare`` makes."""

STEPS = {
    file.name.removesuffix(".sql"): file.read_text()
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name)
    if file.name.endswith(".sql")
}
"""Name to statements, in order."""


def pending(driver: Driver) -> tuple[str, ...]:
    """The steps still to be applied; ``CallerMistake("database-newer")`` as ``apply``."""
    applied = _applied(driver) if "migration" in driver.tables() else frozenset()
    return tuple(name for name in STEPS if name not in applied)


def apply(driver: Driver) -> tuple[str, ...]:
    """Apply what is pending and give its names.

    Several may call this at once: each step is applied by one of them. Raises
    ``CallerMistake("database-newer")`` for a database with steps that this version does not know.
    """
    driver.prepare()
    applied = tuple(name for name in pending(driver) if _apply(driver, name))
    driver.settle()
    return applied


def _apply(driver: Driver, name: str) -> bool:
    with driver.transaction() as transaction:
        # Whoever else applies this step holds the row: we wait here, and then it is done.
        recorded = transaction.execute(
            "INSERT INTO migration (name) VALUES (:name) ON CONFLICT DO NOTHING RETURNING name",
            name=name,
        )
        if not recorded:
            return False
        for statement in STEPS[name].split(";"):
            if statement.strip():
                transaction.execute(statement)
        return True


def _applied(driver: Driver) -> frozenset[str]:
    with driver.reading() as transaction:
        applied = {row["name"] for row in transaction.execute("SELECT name FROM migration")}
    if unknown := sorted(applied - STEPS.keys()):
        raise CallerMistake(
            "database-newer",
            f"The database was changed by a later version of Fieldward ({unknown[0]}).",
            next_step="Install that version or a later one; nothing was changed.",
        )
    return frozenset(applied)
