"""Enquiring on line from a device: for a child whom it does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from caseloads import loop_with
from children import AUTHORITY, child
from fieldward_client import (
    AccessClosed,
    Answer,
    CallerMistake,
    Device,
    HttpAnswer,
    PeerBrokeProtocol,
    RefusedByServer,
    RetryLater,
    Session,
)
from fieldward_server.services.custody.devices import set_access
from fieldward_sync.access import Access
from fieldward_sync.errors import Error
from loop import Loop, Wire

ELSEWHERE = {"team": "HV-2", "service": "health-visiting", "since": "2025-01-01"}


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """One child in the partition West, and another one who is in no partition."""
    zofia = child(
        "r-zofia",
        name={"family": "Wójcik", "given": "Zofia"},
        born="2018-05-06",
        involvements={"z1": ELSEWHERE},
    )
    with loop_with(tmp_path, child("r-ada"), zofia, west="team:HV-1") as loop:
        yield loop


@pytest.fixture
def ann(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    device, wire = loop.enrol("ann", "p-1", "west")
    with device:
        device.sync()
        yield device, wire


def test_enquiries_are_not_counted_against_the_lease(ann: tuple[Device, Wire]) -> None:
    device, _ = ann
    with device.session("transfer-in") as session:
        (hit,) = session.enquire(family="Wojcik", given="Zofia")
        session.open_enquired(hit.record_id)
    lease = device.status().lease
    assert lease is not None
    assert lease.look_ups_left == lease.look_ups


def test_who_is_not_on_the_device_is_found_on_line(ann: tuple[Device, Wire]) -> None:
    device, _ = ann
    with device.session("transfer-in") as session:
        here = session.search(family="Wojcik", given="Zofia")
        assert here.answer is Answer.NOT_ON_THIS_DEVICE
        hits = session.enquire(family="Wojcik", given="Zosia", born="6/5/2018")
        assert hits.answer is Answer.SHOWN
        assert (hits[0].record_id, hits[0].family, hits[0].partition) == ("r-zofia", "Wójcik", "")
        found = session.open_enquired(hits[0].record_id)
        assert found["name.given"] == "Zofia"
        with pytest.raises(CallerMistake, match="not-held"):
            session.open("r-zofia")


@pytest.mark.parametrize(
    "ask", [lambda s: s.enquire(family="Wojcik"), lambda s: s.open_enquired("r-zofia")]
)
def test_an_answer_that_comes_when_the_device_is_locked_is_not_shown(  # invariant 3
    ann: tuple[Device, Wire], monkeypatch: pytest.MonkeyPatch, ask: Callable[[Session], object]
) -> None:
    device, wire = ann
    really = wire.post

    def post(*told: Any, **more: Any) -> HttpAnswer:
        device.lock()
        return really(*told, **more)

    monkeypatch.setattr(wire, "post", post)
    with device.session("transfer-in") as session, pytest.raises(AccessClosed, match="locked"):
        ask(session)


def test_there_is_no_such_child_is_said_by_the_server_alone(ann: tuple[Device, Wire]) -> None:
    device, _ = ann
    with device.session("transfer-in") as session:
        assert session.enquire(family="Nobody", given="Atall").answer is Answer.NO_SUCH_CHILD
        with pytest.raises(CallerMistake, match="not-found"):
            session.open_enquired("r-nobody")


def test_what_was_opened_on_line_is_to_be_read_only(ann: tuple[Device, Wire]) -> None:
    device, _ = ann
    with device.session("transfer-in") as session:
        found = session.open_enquired("r-zofia")
        with pytest.raises(CallerMistake, match="not-held"):
            found.edit("born", "2018-05-07")
    assert device.status().pending_edits == 0


def test_an_enquiry_without_signal_is_a_matter_of_trying_later(ann: tuple[Device, Wire]) -> None:
    device, wire = ann
    wire.fault = "lose request"
    with device.session("transfer-in") as session, pytest.raises(RetryLater, match="offline"):
        session.enquire(family="Wojcik", given="Zofia")


def test_a_paused_device_is_told_so(loop: Loop, ann: tuple[Device, Wire]) -> None:
    device, _ = ann
    set_access(
        loop.platform,
        authority=AUTHORITY,
        device=device.status().device,
        access=Access.PAUSED,
        actor="mo",
        reason="lost",
        now=loop.now,
    )
    with device.session("transfer-in") as session, pytest.raises(RefusedByServer, match="paused"):
        session.enquire(family="Wojcik", given="Zofia")


def test_a_device_that_is_locked_or_out_of_its_lease_does_not_enquire(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    """Invariant 3: past the lease every look-up refuses."""
    device, wire = ann
    posts = wire.posts
    with device.session("transfer-in") as session:
        loop.clock.wall += 4 * 24 * 3600
        with pytest.raises(AccessClosed, match="lease-over"):
            session.enquire(family="Wojcik", given="Zofia")
        with pytest.raises(AccessClosed, match="lease-over"):
            session.open_enquired("r-zofia")
    assert wire.posts == posts


def test_nothing_of_an_enquiry_can_be_read_on_its_way(
    ann: tuple[Device, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design §7: nothing depends on TLS alone."""
    device, wire = ann
    travelled: list[bytes] = []
    send = wire.post

    def overheard(path: str, *, body: bytes, headers: object, max_bytes: int) -> object:
        answer = send(path, body=body, headers=headers, max_bytes=max_bytes)  # type: ignore[arg-type]
        travelled.extend((body, answer.body, repr(headers).encode(), repr(answer.headers).encode()))
        return answer

    monkeypatch.setattr(wire, "post", overheard)
    with device.session("transfer-in") as session:
        session.enquire(family="Wojcik", given="Zofia", born="2018-05-06")
        session.open_enquired("r-zofia")
    assert len(travelled) == 8
    for secret in ("Wojcik", "Wójcik", "Zofia", "2018", "r-zofia", "transfer-in"):
        assert not any(secret.encode() in each for each in travelled), secret


def test_an_answer_to_another_enquiry_is_distrusted(
    ann: tuple[Device, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    device, wire = ann
    send, answers = wire.post, []

    def swapped(path: str, *, body: bytes, headers: object, max_bytes: int) -> object:
        answers.append(send(path, body=body, headers=headers, max_bytes=max_bytes))  # type: ignore[arg-type]
        return answers[0]

    monkeypatch.setattr(wire, "post", swapped)
    with device.session("transfer-in") as session:
        session.enquire(family="Wojcik", given="Zofia")
        with pytest.raises(PeerBrokeProtocol):
            session.enquire(family="Okafor", given="Ada")


def test_what_makes_no_enquiry_never_leaves_the_device(ann: tuple[Device, Wire]) -> None:
    device, wire = ann
    posts = wire.posts
    with device.session("transfer-in") as session:
        for terms in ({"family": "x"}, {"born": "31/2/2020"}, {"nhs_number": "1"}):
            with pytest.raises(Error):
                session.enquire(**terms)
    assert wire.posts == posts
