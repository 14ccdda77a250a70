"""A state machine of the whole loop: real devices and the real service, with messages lost,
repeated and out of step, folders put back from old copies, devices wiped, revoked and retired, and
two workers at once. What must hold at the end, it checks as it is torn down.

``fieldward soak`` runs the same rules against processes that it kills (``soak.py``).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from children import AUTHORITY, stranger
from fieldward_client import AccessClosed, SyncOutcome, SyncReport
from fieldward_server.services.conflicts import list_conflicts, settle
from fieldward_server.services.devices import set_access
from fieldward_server.services.inbox import admit, decline, list_inbox
from fieldward_server.services.known_records import find_records
from fieldward_server.services.partitions import grant, take
from fieldward_server.services.rescoping import change_partition
from fieldward_server.services.shields import raise_shield
from fieldward_server.services.wipes import order_wipe
from fieldward_server.storage import edits
from fieldward_sync.access import Access
from fieldward_sync.projection import is_shielded
from fieldward_sync.records import Value
from loop import Loop, Wire, cheap_passphrases
from loop_hand import Hand
from loop_outcome import (
    Dot,
    is_shielded_now,
    look_ups_on_record,
    merged_and_refused,
    require_admitted_once,
    require_shown_as_granted,
)

PEOPLE = ("ann", "ben", "cleo")
RECORDS = ("r-0", "r-1", "r-2")
LIVES: dict[str, Value] = {
    record: {"kind": "current", "lines": ["1 High Street"], "postcode": postcode}
    for record, postcode in zip(RECORDS, ("M14 5AB", "M14 5AD", "S10 1AA"), strict=True)
}
FAMILIES = dict(zip(RECORDS, ("Okafor", "Whitcombe", "Ng"), strict=True))
"""Nobody is taken for another: who is like a shielded child is shielded too."""
VALUES: dict[str, tuple[Value, ...]] = {
    "involvements/a1.phone": ("0114 496 0001", "0114 496 0002", "0114 496 0003"),
    "name.given": ("Ada", "Adah", "Aida"),
    "address": ({"kind": "no-known-address"}, {"kind": "left-england", "intends_return": "no"}),
    "involvements/a1.ended": ("2024-01-31", None),
}
CHANGES = tuple((path, value) for path, values in VALUES.items() for value in values)
FAULTS = (None, "lose request", "lose answer", "repeat request", "deliver late")
RULES = (("team:HV-1",), ("sector:M14 5",), ("team:HV-1", "sector:M14 5"))
ENDS = ("wiped", "revoked", "retired")
MOST_DEVICES = 9
"""So many are enrolled in one program: each costs a copy of its own."""
WORKERS = 2
WIPED_WITHIN_SYNCS = 6

Rule = TypeVar("Rule", bound=Callable[..., None])


def step(**choices: tuple[object, ...]) -> Callable[[Rule], Rule]:
    """A rule whose arguments are each one of a few; ``choices`` stay with it for a soak."""

    def made(function: Rule) -> Rule:
        drawn: dict[str, Any] = {name: st.sampled_from(each) for name, each in choices.items()}
        decorate: Callable[[Rule], Rule] = rule(**drawn)
        decorated = decorate(function)
        decorated.__dict__["choices"] = choices
        return decorated

    return made


@dataclass
class Post:
    """One person's device, and what they are known to have done with it."""

    hand: Hand
    wire: Wire | None
    device: str
    typed: list[Dot] = field(default_factory=list)
    """The edits that must end with the server."""
    fragile: list[Dot] = field(default_factory=list)
    """Those that no disk has any more: only the server."""
    gone: list[Dot] = field(default_factory=list)
    """Those that may be nowhere: their disk was thrown away before it delivered them."""
    looked: int = 0
    """How many look-ups must be on record."""
    copied: tuple[int, int] | None = None
    """How many edits and look-ups there were when the folder was copied."""
    came_back: bool = False
    """Whether it ever went on with an old copy."""
    end: str = ""


class TheLoop(RuleBasedStateMachine):
    """Three people share a caseload; the third also holds the whole authority."""

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.resources.enter_context(cheap_passphrases())
        self.folder = Path(tempfile.mkdtemp(prefix="fieldward-loop-"))
        self.resources.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.loop = self.new_loop(self.resources.enter_context(self.new_database()))
        self.resources.callback(self.loop.close)
        self.loop.load(*(self.child(each, "Ada") for each in RECORDS))
        self.loop.partition("caseload", "team:HV-1")
        self.loop.partition("everybody", "all")
        self.posts: dict[str, Post] = {}
        self.left: list[Post] = []
        """Devices that were wiped, revoked or retired."""
        self.shielded: set[str] = set()
        self.muddled: set[str] = set()
        """Whoever's device came back or was exchanged: they may not have seen what they wrote."""
        self.written: dict[tuple[str, str], list[tuple[str, Value]]] = {}
        for person in PEOPLE:
            self.enrol(person)

    @contextmanager
    def new_database(self) -> Iterator[str | None]:
        yield None

    def new_loop(self, database_url: str | None) -> Loop:
        return Loop(self.folder, database_url, workers=WORKERS)

    def enrol(self, person: str) -> None:
        """A new device, which holds what its person may."""
        name = f"{person}-{len(self.posts) + len(self.left)}"
        held = ("caseload", "everybody") if person == "cleo" else ("caseload",)
        self.loop.practitioner(person)
        code = self.loop.code(*held, practitioner=person)
        hand, wire = self.new_hand(name)
        hand.enrol(self.loop.url, code)
        hand.sync()
        self.posts[person] = Post(hand, wire, hand.status().device)

    def new_hand(self, name: str) -> tuple[Hand, Wire | None]:
        wire = Wire(self.loop)
        return Hand(self.folder / name, self.loop.clock, wire), wire

    @step(person=PEOPLE, record=RECORDS, change=CHANGES)
    def write(self, person: str, record: str, change: tuple[str, Value]) -> None:
        path, value = change
        post = self.posts[person]
        counter = post.hand.write(record, path, value)
        if counter:
            post.looked += 1
            post.typed.append((post.hand.status().generation, counter))
            self.written.setdefault((record, path), []).append((person, value))

    @step(person=PEOPLE, record=RECORDS)
    def look(self, person: str, record: str) -> None:
        post = self.posts[person]
        post.looked += post.hand.look(record) is not None

    @step(person=PEOPLE, fault=FAULTS)
    def sync(self, person: str, fault: str | None) -> None:
        post = self.posts[person]
        self.suffer(post, fault)
        self.check(post.hand.sync(), fault)

    @step()
    def sync_all_at_once(self) -> None:
        """Both workers have several devices' requests at a time."""
        posts = tuple(self.posts.values())
        with ThreadPoolExecutor(len(posts)) as pool:
            for report in pool.map(lambda post: post.hand.sync(), posts):
                self.check(report, None)

    def suffer(self, post: Post, fault: str | None) -> None:
        if post.wire is not None:
            post.wire.fault = fault

    def check(self, report: SyncReport, fault: str | None) -> None:
        if fault in (None, "repeat request"):
            assert report.outcome is SyncOutcome.COMPLETE, report
        else:
            assert report.outcome is SyncOutcome.OFFLINE, report

    @step(person=PEOPLE)
    def copy_folder(self, person: str) -> None:
        post = self.posts[person]
        post.hand.copy_folder()
        post.copied = (len(post.typed), post.looked)

    @step(person=PEOPLE)
    def put_back(self, person: str) -> None:
        """The disk is thrown away, and with it what was not delivered since the copy was made."""
        post = self.posts[person]
        if post.copied is None:
            return
        typed, looked = post.copied
        since, on_record = post.typed[typed:], self.edits_of(post)
        post.hand.put_back()
        post.gone += [edit for edit in since if edit not in on_record]
        post.fragile += [edit for edit in since if edit in on_record]
        post.typed = post.typed[:typed]
        post.looked = max(looked, self.look_ups_of(post))
        post.came_back = True
        self.muddled.add(person)

    def is_full(self) -> bool:
        """Whether no more devices are to be enrolled."""
        return len(self.posts) + len(self.left) >= MOST_DEVICES

    @precondition(lambda self: not self.is_full())
    @step(person=PEOPLE, end=ENDS, fault=FAULTS)
    def end_of_a_device(self, person: str, end: str, fault: str | None) -> None:
        """A device is wiped, revoked or retired; its person is given another one."""
        post = self.posts[person]
        told = {**self.command(), "device": post.device}
        if end == "wiped":
            order_wipe(self.loop.platform, **told)
        else:
            access = Access.REVOKED if end == "revoked" else Access.DRAINING
            set_access(self.loop.platform, access=access, **told)
        self.suffer(post, fault)
        with suppress(AccessClosed):
            post.hand.sync()
        if end == "wiped":
            self.is_wiped_and_lost_nothing(post)
        post.end = end
        self.left.append(post)
        self.muddled.add(person)
        self.enrol(person)

    def is_wiped_and_lost_nothing(self, post: Post) -> None:
        for _ in range(WIPED_WITHIN_SYNCS):
            if not post.hand.is_gone():
                with suppress(AccessClosed):
                    post.hand.sync()
        assert post.hand.is_gone()
        post.hand.close()
        assert set(post.typed) <= self.edits_of(post)
        assert post.looked <= self.look_ups_of(post)
        post.fragile += post.typed
        post.typed = []

    @step(rules=RULES)
    def rescope(self, rules: tuple[str, ...]) -> None:
        change_partition(self.loop.platform, partition="caseload", rules=rules, **self.command())

    @step()
    def seal(self) -> None:
        self.loop.seal()

    @step(seconds=(60, 3600, 10 * 3600))
    def wait(self, seconds: int) -> None:
        self.loop.clock.wall += seconds

    def child(self, record: str, given: Value) -> dict[str, object]:
        name = {"family": FAMILIES[record], "given": given}
        return stranger(record, name=name, address=LIVES[record])

    @step(record=RECORDS, given=VALUES["name.given"])
    def load(self, record: str, given: Value) -> None:
        self.loop.load(self.child(record, given))
        self.written.setdefault((record, "name.given"), []).append(("server", given))

    @step(record=RECORDS)
    def shield(self, record: str) -> None:
        raise_shield(
            self.loop.platform,
            authority=AUTHORITY,
            record_id=record,
            actor="test",
            reason="test",
            now=self.loop.now,
        )
        self.shielded.add(record)

    @step(person=PEOPLE[:2], given=(True, False))
    def move(self, person: str, given: bool) -> None:
        """What is typed while one does not hold the caseload is refused when it comes."""
        (grant if given else take)(
            self.loop.platform,
            partition="caseload",
            device=self.posts[person].device,
            practitioner=person,
            **self.command(),
        )

    @step(admitted=(True, False))
    def decide(self, admitted: bool) -> None:
        """A person decides the refused edit that has waited longest."""
        for item in list_inbox(self.loop.platform, AUTHORITY, limit=1):
            decision = admit if admitted else decline
            decision(self.loop.platform, number=item.number, **self.command())

    @step(first=(True, False))
    def settle(self, first: bool) -> None:
        """A person says which of several values stands."""
        for conflict in list_conflicts(self.loop.platform, AUTHORITY)[:1]:
            chosen = conflict.values[0 if first else -1].value
            settle(
                self.loop.platform,
                record=conflict.record_id,
                path=conflict.path,
                shown=[value.number for value in conflict.values],
                value=chosen,
                **self.command(),
            )
            self.written.setdefault((conflict.record_id, conflict.path), []).append(
                ("server", chosen)
            )

    @step(person=PEOPLE)
    def read_notices(self, person: str) -> None:
        self.posts[person].hand.read_notices()

    def command(self) -> dict[str, Any]:
        now = self.loop.now
        return {"authority": AUTHORITY, "actor": "test", "reason": "test", "now": now}

    @step(person=PEOPLE)
    def restart(self, person: str) -> None:
        self.posts[person].hand.reopen()

    @invariant()
    def no_accepted_edit_is_forgotten_by_the_device_before_its_verdict(self) -> None:
        for post in self.posts.values():
            known = len(post.typed) + len(post.gone) + len(post.fragile)
            assert post.hand.status().pending_edits <= known

    def teardown(self) -> None:
        try:
            self.settle_down()
            self.all_holds()
        finally:
            for post in (*self.posts.values(), *self.left):
                post.hand.close()
            self.resources.close()

    def settle_down(self) -> None:
        """Everybody syncs in peace."""
        for post in self.left:
            if post.end != "wiped":
                report = post.hand.sync()
                # Who is given nothing new goes on from no old copy, and delivers all the same.
                stuck = report.error is not None and report.error.code == "old-copy"
                assert stuck or report.outcome is SyncOutcome.DELIVERED, report
        self.sync_all()
        self.loop.seal()
        self.sync_all()
        for post in self.posts.values():
            assert post.hand.status().pending_edits == 0

    def sync_all(self) -> None:
        for person in self.posts:
            self.sync(person, None)

    def all_holds(self) -> None:
        for post in (*self.posts.values(), *self.left):
            self.nothing_typed_or_looked_up_is_lost(post)
        for record in RECORDS:
            for post in self.posts.values():
                require_shown_as_granted(self.loop, post.hand, record)
        assert self.shielded == {each for each in RECORDS if is_shielded_now(self.loop, each)}
        self.whoever_wrote_alone_sees_what_they_wrote_last()
        require_admitted_once(self.loop, RECORDS)
        self.nobody_is_told_of_what_is_hidden()
        assert not self.loop.misfiled()

    def nothing_typed_or_looked_up_is_lost(self, post: Post) -> None:
        """Invariants 1 and 2: merged or in the inbox, and on record."""
        merged, refused = merged_and_refused(self.loop, post.device, RECORDS)
        typed = {*post.typed, *post.fragile}
        assert typed <= merged | refused
        assert merged | refused <= {*typed, *post.gone}
        assert post.came_back or not merged & refused
        assert post.looked <= look_ups_on_record(self.loop, post.device)

    def edits_of(self, post: Post) -> set[Dot]:
        merged, refused = merged_and_refused(self.loop, post.device, RECORDS)
        return merged | refused

    def look_ups_of(self, post: Post) -> int:
        return look_ups_on_record(self.loop, post.device)

    def nobody_is_told_of_what_is_hidden(self) -> None:
        for post in self.posts.values():
            for record, path in post.hand.notices():
                if path is not None:
                    assert path in self.loop.view(record).by_path()

    def whoever_wrote_alone_sees_what_they_wrote_last(self) -> None:
        with self.loop.platform.storage.reading() as transaction:
            refused = {item.practitioner for item in edits.inbox(transaction, AUTHORITY)}
            for (record, path), written in self.written.items():
                writers = {person for person, _ in written}
                if len(writers) > 1 or writers & ({"server"} | refused | self.muddled):
                    continue
                known = find_records(transaction, AUTHORITY, [record])[record]
                if is_shielded(known.record):
                    continue  # what is hidden stays beside what is written: nobody was shown it
                assert [live.value for live in known.record.live[path]] == [written[-1][1]]
