"""A sync that fails anywhere leaves one state or the next, and says nothing that is not so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client_world import PHONE
from crashing import Case, Crash, it_reads_after_a_sync, sync
from fieldward_client import Device
from fieldward_client.copies.files import FILES
from fieldward_client.wire.transport import HttpAnswer
from fieldward_sync.encoding import decode
from fieldward_sync.messages import SyncRequest
from memory_authority import MemoryAuthority


def enrolled(case: Case) -> Device:
    return case.world.enrol()


def test_a_device_reads_after_a_first_sync_that_failed_anywhere(crash: Crash) -> None:
    crash.everywhere(enrolled, sync, it_reads_after_a_sync, least_points=35)


def with_news(case: Case) -> Device:
    """A device with an edit to deliver, for which everything else has changed meanwhile."""
    world = case.world
    world.authority.partition("p-east", "r-ben", title="East")
    device = world.ready("tablet", "p-west", "p-east")
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900333")
    case.accepted.append("07700 900333")
    world.clock.advance(hours=20)
    world.authority.set_fields("r-ben", {"name.family": "Newname"})
    world.authority.publish_all()
    world.authority.take_grant(world.known(device).device, "p-east")
    return device


def the_store_is_one_state(case: Case) -> None:
    with case.world.open() as device:
        titles = {partition.title for partition in device.status().partitions}
        with device.session("clinic") as session:
            old, new = session.search(family="Whitcombe"), session.search(family="Newname")
            child = session.open("r-ada")
            assert child[PHONE] == "07700 900333"
        assert (len(old), len(new), titles) in ((1, 0, {"West", "East"}), (0, 1, {"West"}))
        report = device.sync()
        assert report.outcome.value == "complete", report
        with device.session("clinic") as session:
            assert session.search(family="Newname")
            assert session.open("r-ada")[PHONE] == "07700 900333"
        case.world.authority.publish_all()
        assert device.sync().outcome.value == "complete"
        with device.session("clinic") as session:
            assert not session.open("r-ada").pending
        listed = {
            entry.name
            for manifest in [case.world.authority.partitions["p-west"].manifest]
            if manifest is not None
            for entry in manifest.files
        }
    stored = {path.name for path in (case.world.home() / FILES).iterdir()}
    assert stored == listed
    assert case.world.authority.value("r-ada", PHONE) == "07700 900333"


def test_a_sync_leaves_one_state_or_the_next(crash: Crash) -> None:
    crash.everywhere(with_news, sync, the_store_is_one_state, least_points=40)


@dataclass
class Claims:
    """What a device says of old files and keys, against what lies on its disk."""

    case: Case
    old_files: set[str] = field(default_factory=set)
    old_lease: bytes = b""
    gone: set[str] = field(default_factory=set)
    """The partitions of which it has said that all of before is gone."""

    def __call__(self, path: str, *, body: bytes, **told: Any) -> HttpAnswer:
        if path == "/v1/sync":
            left = decode(SyncRequest, body, max_bytes=len(body)).held.partitions
            if left is not None:
                keeps = {each.partition for each in left if each.oldest < NEWS}
                self.gone |= {"p-west", "p-east"} - keeps
            self.require_true()
        return MemoryAuthority.post(self.case.world.authority, path, body=body, **told)

    def require_true(self) -> None:
        if self.gone:
            assert not self.old_files & {path.name for path in (self.home / FILES).iterdir()}
            (keys,) = (self.home / "practitioners").iterdir()
            assert "p-west" not in self.gone or not (keys / "earlier-keys").exists()
            assert (keys / "lease").read_bytes() != self.old_lease

    @property
    def home(self) -> Path:
        return self.case.world.home()


NEWS = 100
"""The feed number of what hides something."""


def with_something_hidden(case: Case) -> Device:
    """A device for which one of its partitions has a redaction and the other is taken away."""
    device = with_news(case)
    authority: Any = case.world.authority
    claims = authority.post = Claims(case)
    claims.old_files = {path.name for path in (claims.home / FILES).iterdir()}
    hiding = case.world.authority.partitions["p-west"]
    (keys,) = (claims.home / "practitioners").iterdir()
    claims.old_lease = (keys / "lease").read_bytes()
    hiding.feed, hiding.epoch, hiding.keys = NEWS, 2, {}
    hiding.key()
    case.world.authority.publish("p-west", new_image=True)
    return device


def what_it_says_is_gone_is_gone(case: Case) -> None:
    authority: Any = case.world.authority
    claims: Claims = authority.post
    claims.require_true()
    with case.world.open() as device:
        assert device.sync().outcome.value == "complete"
        claims.require_true()
    assert claims.gone == {"p-west", "p-east"}


def test_no_failure_makes_a_device_say_that_what_is_left_is_gone(  # invariant 5, H7
    crash: Crash,
) -> None:
    crash.everywhere(with_something_hidden, sync, what_it_says_is_gone_is_gone)
