"""What opened something after the backup holds after a restore if it was committed, and only then
(invariants 4, 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from broken_commits import failing_commit, killed_after_the_commit
from children import AUTHORITY, stranger
from databases import NewDatabase
from field_device import FieldDevice
from fieldward_server.services.custody.device_reports import list_devices, show_device
from fieldward_server.services.custody.devices import set_access, set_cap
from fieldward_server.services.custody.enrolment import enrol
from fieldward_server.services.custody.hand_overs import prepare_hand_over
from fieldward_server.services.custody.wipes import order_wipe, withdraw_wipe
from fieldward_server.services.distribution.partitions import grant
from fieldward_server.services.distribution.rescoping import change_partition
from fieldward_server.services.distribution.ways import set_way
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_server.services.registering import in_order, write_register
from fieldward_sync.access import Access
from fieldward_sync.errors import RetryLater
from loop import Loop
from restoring import command, shielded, three_children

CAP = 20_000


class Scene:
    """A server where much is closed, and the commands that open it."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        loop.load(stranger("r-4", involvements={}))
        loop.partition("everybody", "all")
        loop.partition("tethered", "all")
        loop.partition("moving", "team:HV-1")
        loop.practitioner("p-2")
        raise_shield(**command(loop, record_id="r-1"))
        set_way(**command(loop, partition="tethered"), way="tethered")
        self.ann, self.ben = loop.device("caseload"), loop.device("caseload")
        set_access(**command(loop, device=self.ann.name), access=Access.PAUSED)
        order_wipe(**command(loop, device=self.ben.name))
        self.cleo = loop.device("caseload")
        self.invited = FieldDevice(loop).enrol_request(loop.code("caseload"))

    def commands(self) -> Iterator[Callable[[], object]]:
        """Each opens something."""
        loop, cleo = self.loop, self.cleo.name
        told: list[tuple[Callable[..., object], dict[str, Any]]] = [
            (release_shield, {"record_id": "r-1"}),
            (set_access, {"device": self.ann.name, "access": Access.ACTIVE}),
            (withdraw_wipe, {"device": self.ben.name}),
            (grant, {"device": cleo, "practitioner": "p-1", "partition": "everybody"}),
            (set_cap, {"device": cleo, "record_cap": CAP}),
            (
                prepare_hand_over,
                {
                    "device": cleo,
                    "practitioner": "p-2",
                    "partitions": ["everybody"],
                    "valid_seconds": 3600,
                },
            ),
            (change_partition, {"partition": "caseload", "rules": ["team:HV-1", "all"]}),
            (set_way, {"partition": "tethered", "way": "offline"}),
        ]
        for service, about in told:
            yield partial(service, **command(loop), **about)
        yield partial(enrol, loop.platform, self.invited, counter=1, now=loop.now)

    def opened(self) -> dict[str, bool]:
        """What is open now."""
        loop = self.loop
        ann, ben, cleo = (
            show_device(loop.platform, authority=AUTHORITY, device=each.name, now=loop.now)
            for each in (self.ann, self.ben, self.cleo)
        )
        assert ben.wipe is not None
        p_1, *next_ones = cleo.holders
        return {
            "shield": not shielded(loop, "r-1"),
            "access": ann.access is Access.ACTIVE,
            "wipe": ben.wipe.state.value == "withdrawn",
            "grant": "everybody" in p_1.partitions,
            "cap": cleo.record_cap == CAP,
            "hand-over": [each.partitions for each in next_ones] == [("everybody",)],
            "rules": loop.stored_partition("caseload").records == 4,
            "way": loop.stored_partition("tethered").way == "offline",
            "enrolment": len(list_devices(loop.platform, AUTHORITY, now=loop.now)) == 4,
        }


@pytest.fixture
def scene(tmp_path: Path, new_database: NewDatabase) -> Iterator[Scene]:
    with three_children(tmp_path / "loop", new_database()) as loop:
        yield Scene(loop)


def test_what_was_not_committed_is_not_carried_out(  # 4, 5, H5
    scene: Scene, new_database: NewDatabase
) -> None:
    loop = scene.loop
    backup = loop.back_up()
    for opening in scene.commands():
        with failing_commit(loop.platform), pytest.raises(RetryLater, match="database-away"):
            opening()
    with failing_commit(loop.platform), pytest.raises(RetryLater):
        change_partition(**command(loop, partition="everybody"), rules=["team:HV-1"])
    with failing_commit(loop.platform), pytest.raises(RetryLater):
        change_partition(**command(loop, partition="moving"), rules=["team:HV-2"])
    loop.lose_database(new_database())
    loop.restore(backup)
    assert not any(scene.opened().values()), scene.opened()
    left = [loop.stored_partition(each).records for each in ("everybody", "moving")]
    assert left == [3, 0], "what goes is gone, and nothing comes"


@pytest.mark.parametrize("backed_up", ["before it", "while it waits", "while it waited"])
def test_what_was_committed_when_its_process_died_is_carried_out(  # 11
    scene: Scene, new_database: NewDatabase, backed_up: str
) -> None:
    """By whoever comes first: a job, or the restore of a backup in which it waits."""
    loop = scene.loop
    backup = loop.back_up()
    for opening in scene.commands():
        with killed_after_the_commit():
            opening()
    opened = scene.opened()
    assert all(opened.values()), opened
    if backed_up != "before it":
        backup = loop.back_up("later")
    if backed_up != "while it waits":
        assert write_register(loop.platform, loop.now) == len(opened)
    written = len(in_order([loop.platform.shield_register.read()]))
    loop.lose_database(new_database())
    loop.restore(backup)
    assert scene.opened() == opened
    new = in_order([loop.platform.shield_register.read()])[written:]
    assert len(new) == 1 + (len(opened) if backed_up == "while it waits" else 0)
