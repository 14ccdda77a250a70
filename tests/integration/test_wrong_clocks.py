"""What becomes of a wrong clock: the page's table, row by row (V5, P33; invariants 1 and 3)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client_world import PASSPHRASE, PHONE, World
from fieldward_client import AccessClosed, HttpAnswer, SyncOutcome
from fieldward_client.disk.clock import STATE
from fieldward_client.keys.lease import lease_file
from protocol_pages.written import rows, section

DAY = 86_400
YEARS = 3_652 * DAY


@dataclass(frozen=True)
class Row:
    """One row of the page."""

    what: str
    taken: str
    """``true``, ``wall`` or ``none``."""
    read: str
    """``yes``, or the code of the refusal."""
    put_right: str
    told: str
    synced: str


ROWS = {
    row.what: row
    for row in (
        Row(*(cell.strip("`") for cell in each))
        for each in rows(section("What becomes of a wrong clock"))
    )
}


class Field:
    """A device with a lease and an edit that has not been sent, and no signal."""

    def __init__(self, world: World) -> None:
        self.world, self.clock = world, world.clock
        self.device = world.ready()
        self.downloads_before = self.downloads()
        self.clock.advance(hours=20)
        with self.device.session("home-visit") as session:
            session.open("r-ada").edit(PHONE, "07700 900123")

    def set_wall(self, *, to: int | None = None, by: int = 0) -> None:
        """What the wall clock says, in true time or as far from it."""
        self.clock.wall_is_off_by = by if to is None else to - self.clock.true_time

    def sync_and_go_on(self) -> None:
        """There was signal, and there is none for most of a day."""
        assert self.device.sync().outcome is SyncOutcome.COMPLETE
        self.clock.advance(hours=20)

    def start(self, times: int = 1) -> None:
        """Switch the machine off and on, and unlock the device."""
        for _ in range(times):
            self.device.close()
            self.clock.restart()
            self.device = self.world.open()

    def taken(self) -> str:
        """Which time the device takes."""
        words = {None: "none", self.clock.reading().wall: "wall", self.clock.true_time: "true"}
        return words[self.device.status().now]

    def read(self) -> str:
        """Whether the device is read and written, or why not."""
        with self.device.session("clinic") as session:
            try:
                assert session.search(family="Okafor")
                session.open("r-ben").edit("name.given", "Benjamin")
            except AccessClosed as e:
                with pytest.raises(AccessClosed, match=e.code):
                    session.open("r-ada")
                return e.code
        return "yes"

    def downloads(self) -> int:
        return sum("GET" in line for line in self.world.authority.log)


def _slow(field: Field) -> None:
    field.set_wall(by=-300)


def _back_an_hour(field: Field) -> None:
    field.set_wall(by=-3_600)


def _back_ten_years(field: Field) -> None:
    field.set_wall(by=-YEARS)


def _back_while_off(field: Field) -> None:
    field.set_wall(by=-DAY)
    field.start()


def _a_day_ahead(field: Field) -> None:
    field.set_wall(by=DAY)


def _ten_days_ahead(field: Field) -> None:
    field.set_wall(by=10 * DAY)


def _ten_years_ahead(field: Field) -> None:
    field.set_wall(by=YEARS)


def _ahead_at_the_start(field: Field) -> None:
    field.set_wall(by=YEARS)
    field.start()


def _known_to_be_ahead(field: Field) -> None:
    field.set_wall(by=YEARS)
    field.sync_and_go_on()


def _known_to_be_ahead_and_started(field: Field) -> None:
    _known_to_be_ahead(field)
    field.start()


def _known_to_be_1970(field: Field) -> None:
    field.set_wall(to=0)
    field.sync_and_go_on()


def _known_to_be_1970_and_started(field: Field) -> None:
    _known_to_be_1970(field)
    field.start()


def _at_the_start_1970(field: Field) -> None:
    field.set_wall(to=0)
    field.start()


def _at_the_start_2000(field: Field) -> None:
    field.set_wall(to=946_684_800)
    field.start()


def _asleep_for_two_days(field: Field) -> None:
    field.clock.advance(days=2)


def _asleep_for_three(field: Field) -> None:
    field.clock.advance(days=3)


def _asleep_with_the_clock(field: Field) -> None:
    field.clock.advance(days=3)
    field.set_wall(by=-3 * DAY)


def _started_nineteen_times(field: Field) -> None:
    field.start(19)


def _started_twenty_times(field: Field) -> None:
    field.start(20)


def _forgotten(field: Field) -> None:
    field.device.close()
    (field.world.home() / STATE).unlink()
    field.device = field.world.open()


def _another_zone(field: Field) -> None:
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()


CASES: dict[str, Callable[[Field], None]] = {
    "the clock is five minutes slow": _slow,
    "it is set back by an hour": _back_an_hour,
    "it is set back by ten years": _back_ten_years,
    "it is set back while the device is switched off": _back_while_off,
    "it jumps a day ahead, within the lease": _a_day_ahead,
    "it jumps ten days ahead, beyond the lease's end": _ten_days_ahead,
    "it jumps ten years ahead, beyond the lease's last deadline": _ten_years_ahead,
    "it is ten years ahead when the device is started": _ahead_at_the_start,
    "it was known to be ten years ahead at the last sync": _known_to_be_ahead,
    "it was known to be, and the device is restarted": _known_to_be_ahead_and_started,
    "it was known to say 1970 at the last sync": _known_to_be_1970,
    "it was known to, and the device is restarted": _known_to_be_1970_and_started,
    "the battery is dead: at the start it says 1970": _at_the_start_1970,
    "the battery is dead: at the start it says 2000": _at_the_start_2000,
    "the device sleeps for two days": _asleep_for_two_days,
    "it sleeps for three, past the lease's end": _asleep_for_three,
    "the clock stands still while it sleeps": _asleep_with_the_clock,
    "the device is started for the nineteenth time without contact": _started_nineteen_times,
    "it is started for the twentieth time without contact": _started_twenty_times,
    "its memory of the time is gone": _forgotten,
    "summer time begins, or the time zone changes": _another_zone,
}


@pytest.fixture
def field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/London")
        yield Field(World(tmp_path, patched))
    time.tzset()


def test_every_row_of_the_page_is_a_case_and_every_case_a_row() -> None:
    assert list(ROWS) == list(CASES)


@pytest.mark.parametrize("what", CASES)
def test_of_each_wrong_clock_comes_what_the_page_says(field: Field, what: str) -> None:
    row = ROWS[what]
    CASES[what](field)
    assert (field.taken(), field.read()) == (row.taken, row.read)
    wrong_by = field.clock.wall_is_off_by
    field.clock.wall_is_off_by = 0
    assert field.read() == row.put_right
    field.clock.wall_is_off_by = wrong_by
    device = field.device
    device.lock()
    assert device.sync().outcome is SyncOutcome.DELIVERED
    assert field.world.authority.value("r-ada", PHONE) == "07700 900123"
    assert device.pending() == ()
    device.unlock(PASSPHRASE)
    report = device.sync()
    assert (report.outcome, report.lease_renewed) == (SyncOutcome.COMPLETE, True)
    assert (field.taken(), field.read()) == ("true", row.synced)
    assert field.downloads() == field.downloads_before


@pytest.mark.parametrize("what", [what for what, row in ROWS.items() if row.read != "yes"])
def test_of_a_time_code_comes_what_the_page_says(field: Field, what: str) -> None:
    CASES[what](field)
    field.read()
    shown = field.device.ask_for_time()
    field.device.take_time(field.world.authority.time_code("d-1", shown))
    assert (field.taken(), field.read()) == ("true", ROWS[what].told)


def test_an_answer_that_waited_while_the_machine_slept_sets_no_clock_back(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 3: the lid was closed during a sync. Sockets do not count the time asleep."""
    post = field.world.authority.post

    def sleeps(*args: Any, **named: Any) -> HttpAnswer:
        answer = post(*args, **named)
        field.clock.advance(days=2)
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(field.world.authority, "post", sleeps)
        assert field.device.sync().lease_renewed
    assert (field.taken(), field.read()) == ("true", "yes")
    field.clock.advance(days=1)
    assert (field.taken(), field.read()) == ("true", "lease-over")


def test_a_clock_that_jumped_ten_years_erases_the_grant_and_nothing_besides(field: Field) -> None:
    folder = field.world.home()
    before = {path for path in folder.rglob("*") if path.is_file()}
    field.set_wall(by=YEARS)
    assert field.read() == "no-lease"
    assert before - set(folder.rglob("*")) == {folder / lease_file("p-tablet")}
