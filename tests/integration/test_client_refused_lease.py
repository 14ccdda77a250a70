"""What reaches a practitioner whose lease is not renewed: no new keys, and all that takes away.

Here it is training that has run out (A6). A lease that still runs says what can be read, and the
server's list what cannot any more (invariants 4 and 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caseloads import holding, loop_with, require_complete
from children import PHONE, stranger
from fieldward_client import CallerMistake, Device, SyncOutcome, Unsearched
from fieldward_server.services.distribution.key_epochs import renew_partition_key
from fieldward_server.services.distribution.partitions import take
from fieldward_server.services.records.shields import raise_shield
from fieldward_sync.errors import RefusedByServer
from loop import Loop
from restoring import command, write

SHUT = (Unsearched("caseload", "until-sync"),)
ELSEWHERE = {"b1": {"service": "school-nursing", "team": "SN-1", "since": "2023-01-01"}}


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """Two children in Ann's caseload, and one of the nurses', who is hers as well."""
    children = (stranger("r-1"), stranger("r-2"), stranger("r-9", involvements=ELSEWHERE))
    with loop_with(tmp_path, *children, caseload="team:HV-1", nurses="team:SN-1") as loop:
        yield loop


@pytest.fixture
def device(loop: Loop) -> Iterator[Device]:
    """Ann's, synced while her training was in date, which it is no longer."""
    with holding(loop, "ann", "caseload", "nurses") as (device, _):
        loop.practitioner("ann", trained_until=loop.now)
        yield device


def change(loop: Loop, what: str) -> None:
    """Something happens in the caseload, after which its files open with another key."""
    if what == "shield":
        raise_shield(**command(loop, record_id="r-1"))
    else:
        renew_partition_key(**command(loop, partition="caseload"))
        loop.load(stranger("r-3"))
    loop.seal()


def sync_unrenewed(device: Device) -> None:
    """A sync that says why nothing is renewed, and nothing besides."""
    report = device.sync()
    assert report.outcome is SyncOutcome.PARTIAL
    assert isinstance(report.error, RefusedByServer)
    assert (report.error.code, report.lease_renewed) == ("training-over", False)


def require_not_held(device: Device, record: str) -> None:
    with device.session(reason="home-visit") as session, pytest.raises(CallerMistake) as refused:
        session.open(record)
    assert refused.value.code == "not-held"


@pytest.mark.parametrize("what", ["shield", "another key"])
def test_what_was_taken_goes_though_no_key_comes_for_the_rest(
    loop: Loop, device: Device, what: str
) -> None:
    change(loop, what)
    take(**command(loop, device=device.status().device, practitioner="ann", partition="nurses"))
    sync_unrenewed(device)
    require_not_held(device, "r-9")
    assert [each.partition for each in device.status().partitions] == ["caseload"]


def test_what_was_hidden_is_shown_no_more_and_opens_redacted_once_the_lease_is_renewed(
    loop: Loop, device: Device
) -> None:
    """The partition is shut, and a search says so (H7): the device has no key of its next files."""
    change(loop, "shield")
    sync_unrenewed(device)
    for _ in range(2):
        require_not_held(device, "r-1")
        with device.session(reason="home-visit") as session:
            assert session.search(family="Nobody").unsearched == SHUT
            assert session.open("r-9").record_id == "r-9"
        assert [(it.partition, it.waits) for it in device.status().partitions] == [
            ("caseload", True),
            ("nurses", False),
        ]
        sync_unrenewed(device)
    loop.practitioner("ann")
    require_complete(device)
    with device.session(reason="home-visit") as session:
        assert session.open("r-1").shielded
        assert session.search(family="Nobody").unsearched == ()
    write(device, "0114 496 0001", "r-2")
    require_complete(device)
    assert {value.value for value in loop.view("r-2").at(PHONE)} == {"0114 496 0001"}
