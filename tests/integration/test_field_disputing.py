"""``fieldward field dispute``: a value is marked beside itself, and stays (R2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from children import AUTHORITY, PHONE
from fieldward_server.services.records.disputes import decide_dispute, list_disputes
from fieldward_server.services.records.shields import raise_shield
from health_visitor import PASSPHRASE, HealthVisitor, synced_at

COMMAND = {"authority": AUTHORITY, "actor": "jo", "reason": "letter-from-family"}
SHOW = ("show", "r-ada", "--reason", "clinic")
DISPUTE = ("dispute", "r-ada", "address", "--reason=clinic")


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[HealthVisitor]:
    with synced_at(tmp_path) as ann:
        yield ann


def fetch(ann: HealthVisitor) -> None:
    ann.does("sync")
    ann.loop.seal()
    ann.does("sync")


def after(said: str, value: str) -> str:
    """The line below the one that shows a value."""
    lines = said.splitlines()
    (place,) = (number for number, line in enumerate(lines) if value in line)
    return lines[place + 1].strip()


def test_a_disputed_value_is_shown_with_date_and_then_with_outcome(ann: HealthVisitor) -> None:
    today = datetime.fromtimestamp(ann.loop.now, UTC)
    spoken = f"{today:%-d %b %Y}"
    said = ann.does(*DISPUTE, "--by=carer")
    assert "address is marked as disputed; it stays as it is: 1 High Street, M14 5AB" in said
    below = after(ann.does(*SHOW), "1 High Street")
    assert below == f"disputed by a carer since {spoken}, not sent yet"
    fetch(ann)
    below = after(ann.does(*SHOW), "1 High Street")
    assert below == f"disputed by a carer since {spoken}, undecided"
    (found,) = list_disputes(ann.loop.platform, AUTHORITY)
    decide_dispute(
        ann.loop.platform,
        record="r-ada",
        dispute=found.dispute.dispute_id,
        outcome="not-upheld",
        now=ann.loop.now,
        **COMMAND,
    )
    fetch(ann)
    said = ann.does(*SHOW)
    below = after(said, "1 High Street")
    assert below == f"disputed by a carer {spoken}, found right {spoken}"
    assert "disputes/" not in said  # no group of its own
    (read,) = ann.reads(*SHOW)
    (dispute,) = read["disputes"]["address"]
    day = f"{today:%Y-%m-%d}"
    assert (dispute["since"], dispute["outcome"], dispute["ended"]) == (day, "not-upheld", day)


def test_who_says_so_is_asked_for_and_nothing_is_chosen(ann: HealthVisitor) -> None:
    said = ann.types(*DISPUTE, keys=f"{PASSPHRASE}\n2\n")
    assert "Ada Okafor: address is 1 High Street, M14 5AB." in said.stderr
    assert "disputed by a carer" in ann.does(*SHOW)
    ann.fails("dispute", "r-ada", PHONE, "--reason=clinic", keys="\n")
    assert len(ann.reads("pending")) == 1


def test_a_disputed_child_is_found_as_before(ann: HealthVisitor) -> None:
    """Issue 4."""
    ann.does("dispute", "r-ada", "name.family", "--by=subject", "--reason=clinic")
    fetch(ann)
    hits = ann.reads("search", "--family=okafor", "--given=ada", "--reason=clinic")
    assert [hit["record_id"] for hit in hits if hit.get("given") == "Ada"] == ["r-ada"]


def test_what_cannot_be_disputed_says_why(ann: HealthVisitor) -> None:
    ann.does(*DISPUTE, "--by=carer")
    assert "[already-disputed]" in ann.fails(*DISPUTE, "--by=carer").stderr
    dispute = ("dispute", "r-ada", "--by=carer", "--reason=clinic")
    assert "[no-value]" in ann.fails(*dispute, "school.code").stderr
    said = ann.fails("dispute", "r-ada", "school.code", "--reason=clinic", keys="2\n").stderr
    assert ("[no-value]" in said, "Who says so" in said) == (True, False)
    assert "[not-disputable]" in ann.fails(*dispute, "shield").stderr
    assert "[unknown-field]" in ann.fails(*dispute, "notes").stderr
    (path,) = [path for path in ann.reads(*SHOW)[0]["values"] if path.endswith(".by")]
    edit = ("edit", "r-ada", "--reason=clinic", "--replaces=carer", path, "other")
    assert "[server-only]" in ann.fails(*edit).stderr


def test_a_shield_takes_the_mark_from_the_screen_with_the_value(ann: HealthVisitor) -> None:
    """H1."""
    ann.does(*DISPUTE, "--by=carer")
    fetch(ann)
    raise_shield(ann.loop.platform, record_id="r-ada", now=ann.loop.now, **COMMAND)
    fetch(ann)
    said = ann.does(*SHOW)
    assert "SHIELDED" in said
    assert "disputed" not in said
    assert ann.reads(*SHOW)[0]["disputes"] == {}
