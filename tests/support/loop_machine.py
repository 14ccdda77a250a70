"""A state machine of the whole loop: real devices and the real service, with messages lost,
repeated and out of step, folders put back from old copies, devices handed over, wiped, revoked and
retired, partitions held in other ways, children who move to another authority and back, and two
workers at once. What must hold at the end, it checks as it is torn down.

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
from fieldward_server.services.custody.device_reports import show_device
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.hand_overs import prepare_hand_over, withdraw_hand_over
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.partitions import grant, take
from fieldward_server.services.distribution.rescoping import change_partition
from fieldward_server.services.distribution.ways import set_way
from fieldward_server.services.exchange.forwarding import forward
from fieldward_server.services.exchange.inbox import admit, decline, list_inbox
from fieldward_server.services.records.conflicts import list_conflicts, settle
from fieldward_server.services.records.known_records import find_records
from fieldward_server.services.records.shields import raise_shield
from fieldward_server.services.records.transfers import accept, offer, withdraw
from fieldward_server.services.records.transfers import decline as decline_offer
from fieldward_server.storage import edits
from fieldward_sync.access import Access
from fieldward_sync.projection import is_shielded
from fieldward_sync.records import Value
from fieldward_sync.ways import Way
from loop import Loop, Wire, cheap_passphrases
from loop_hand import Hand
from loop_outcome import (
    Dot,
    is_shielded_now,
    look_ups_on_record,
    merged_and_refused,
    require_admitted_once,
    require_nothing_left,
    require_shown_as_granted,
    responsible,
)
from service_world import World

PEOPLE = ("ann", "ben", "cleo", "dora")
NEIGHBOUR = "E08000035"
HELD = {
    "ann": ("caseload",),
    "ben": ("caseload",),
    "cleo": ("caseload", "everybody"),
    "dora": ("theirs",),
}
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
ANSWERS = ("accepted", "accepted", "declined", "withdrawn", "none yet")
WIPED_WITHIN_SYNCS = 6
HAND_OVER_SECONDS = 5 * 24 * 3600

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
    """One person's device, and what they are known to have done with it, and those to whom it was
    handed over since."""

    world: World
    """The authority that it is enrolled with."""
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
    code: str = ""
    """Of the hand-over that was last prepared."""
    awaited: int = 0
    """How many there were."""
    up_to_date: set[str] = field(default_factory=set)
    """Who has synced since a partition was held in another way."""
    end: str = ""


class TheLoop(RuleBasedStateMachine):
    """Three people share a caseload; the third also holds the whole authority. A fourth holds all
    of the neighbour's."""

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
        self.neighbour = self.loop.neighbour(NEIGHBOUR)
        self.neighbour.partition("theirs", "all")
        self.worlds: tuple[World, World] = (self.loop, self.neighbour)
        self.offered: set[str] = set()
        """The records that wait for the other authority's answer."""
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
        world = self.neighbour if person == "dora" else self.loop
        world.practitioner(person)
        code = world.code(*HELD[person], practitioner=person)
        hand, wire = self.new_hand(name)
        hand.enrol(self.loop.url, code)
        hand.sync()
        self.posts[person] = Post(world, hand, wire, hand.status().device)

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
        self.has_synced(post, post.hand.sync(), fault)

    @step()
    def sync_all_at_once(self) -> None:
        """Both workers have several devices' requests at a time."""
        posts = tuple(self.posts.values())
        with ThreadPoolExecutor(len(posts)) as pool:
            for post, report in zip(posts, pool.map(lambda it: it.hand.sync(), posts), strict=True):
                self.has_synced(post, report, None)

    def has_synced(self, post: Post, report: SyncReport, fault: str | None) -> None:
        """What must be so whenever a sync has come to its end."""
        self.check(report, fault)
        if report.outcome is SyncOutcome.COMPLETE:
            post.up_to_date.add(post.hand.status().practitioner or "")
            require_nothing_left(post.world, post.hand, post.up_to_date)

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
        told = {**self.command(post.world), "device": post.device}
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

    def home(self, record: str) -> World:
        """The authority that is responsible for a record."""
        return responsible(self.worlds, record)

    def child(self, record: str, given: Value, authority: str = AUTHORITY) -> dict[str, object]:
        name = {"family": FAMILIES[record], "given": given}
        return stranger(record, authority=authority, name=name, address=LIVES[record])

    @step(record=RECORDS, given=VALUES["name.given"])
    def load(self, record: str, given: Value) -> None:
        home = self.home(record)
        (verdict,) = home.load(self.child(record, given, home.authority))
        assert verdict.outcome != "refused"
        self.written.setdefault((record, "name.given"), []).append(("server", given))

    @step(record=RECORDS)
    def shield(self, record: str) -> None:
        raise_shield(self.loop.platform, record_id=record, **self.command(self.home(record)))
        self.shielded.add(record)

    @step(person=PEOPLE[:2], given=(True, False))
    def move(self, person: str, given: bool) -> None:
        """What is typed while one does not hold the caseload is refused when it comes."""
        post = self.posts[person]
        (grant if given else take)(
            self.loop.platform,
            partition="caseload",
            device=post.device,
            practitioner=post.hand.status().practitioner or "",
            **self.command(),
        )

    @step(partition=HELD["cleo"], way=tuple(Way))
    def hold(self, partition: str, way: Way) -> None:
        """Of what is warm no key is on a disk after the next sync, of what is tethered no file."""
        set_way(self.loop.platform, partition=partition, way=way.value, **self.command())
        for post in self.posts.values():
            post.up_to_date.clear()

    @step(person=PEOPLE, withdrawn=(False, False, True))
    def hand_over(self, person: str, withdrawn: bool) -> None:
        """Somebody who was never on it takes a device over, without signal, and who was there
        before is to hold nothing more."""
        post = self.posts[person]
        self.muddled.add(person)
        if not self.is_awaited(post):
            self.prepare_hand_over(person)
        self.has_synced(post, post.hand.sync(), None)
        if withdrawn and self.is_awaited(post):
            withdraw_hand_over(self.loop.platform, device=post.device, **self.command(post.world))
        before = post.hand.status().practitioner or ""
        if post.hand.take_over(post.code):
            for partition in HELD[person]:
                take(
                    self.loop.platform,
                    partition=partition,
                    device=post.device,
                    practitioner=before,
                    **self.command(post.world),
                )

    def prepare_hand_over(self, person: str) -> None:
        post = self.posts[person]
        post.awaited += 1
        successor = f"{person}-{post.awaited:02}"
        post.world.practitioner(successor)
        post.code = prepare_hand_over(
            self.loop.platform,
            device=post.device,
            practitioner=successor,
            partitions=HELD[person],
            valid_seconds=HAND_OVER_SECONDS,
            **self.command(post.world),
        ).code

    def is_awaited(self, post: Post) -> bool:
        """Whether a hand-over of a device is prepared."""
        shown = show_device(
            self.loop.platform,
            authority=post.world.authority,
            device=post.device,
            now=self.loop.now,
        )
        return any(holder.awaited and holder.partitions for holder in shown.holders)

    @step(person=PEOPLE)
    def come_back(self, person: str) -> None:
        """Who was there before opens the device and syncs."""
        post = self.posts[person]
        for before in post.hand.people()[:-1][-1:]:
            tried = post.hand.try_as(before, RECORDS)
            self.check(tried.report, None)
            post.looked += sum(shown is not None for shown in tried.shown.values())
            if tried.report.outcome is SyncOutcome.COMPLETE:
                post.up_to_date.add(before)
                for record, shown in tried.shown.items():
                    require_shown_as_granted(post.world, post.hand, record, before, shown)

    @step(record=RECORDS, answer=ANSWERS)
    def hand_on(self, record: str, answer: str) -> None:
        """Whoever is responsible for a child offers the record to the other authority, and that is
        accepted, declined or withdrawn, or it waits."""
        giver = self.home(record)
        (taker,) = (world for world in self.worlds if world is not giver)
        given = {"record": record, "taker": taker.authority, **self.command(giver)}
        taken = {"record": record, "giver": giver.authority, **self.command(taker)}
        if record not in self.offered:
            offer(self.loop.platform, **given)
        self.offered -= {record}
        match answer:
            case "accepted":
                accept(self.loop.platform, **taken)
            case "declined":
                decline_offer(self.loop.platform, **taken)
            case "withdrawn":
                withdraw(self.loop.platform, **given)
            case _:
                self.offered |= {record}
        assert self.home(record) is (taker if answer == "accepted" else giver)

    @step(admitted=(True, False))
    def decide(self, admitted: bool) -> None:
        """A person of each authority decides the refused edit that has waited longest."""
        for world in self.worlds:
            for item in list_inbox(self.loop.platform, world.authority, limit=1):
                assert item.proposal is not None
                is_here = self.home(item.proposal.record_id) is world
                decision = (admit if is_here else forward) if admitted else decline
                decision(self.loop.platform, number=item.number, **self.command(world))

    @step(first=(True, False))
    def settle(self, first: bool) -> None:
        """A person of each authority says which of several values stands."""
        for world in self.worlds:
            for conflict in list_conflicts(self.loop.platform, world.authority)[:1]:
                chosen = conflict.values[0 if first else -1].value
                settle(
                    self.loop.platform,
                    record=conflict.record_id,
                    path=conflict.path,
                    shown=[value.number for value in conflict.values],
                    value=chosen,
                    **self.command(world),
                )
                self.written.setdefault((conflict.record_id, conflict.path), []).append(
                    ("server", chosen)
                )

    @step(person=PEOPLE)
    def read_notices(self, person: str) -> None:
        self.posts[person].hand.read_notices()

    def command(self, world: World | None = None) -> dict[str, Any]:
        """What every command is told, of the first authority unless another is named."""
        authority = (world or self.loop).authority
        return {
            "authority": authority,
            "actor": "test",
            "reason": "test",
            "now": self.loop.now,
        }

    @step(person=PEOPLE)
    def restart(self, person: str) -> None:
        self.posts[person].hand.reopen()

    @invariant()
    def no_accepted_edit_is_forgotten_by_the_device_before_its_verdict(self) -> None:
        for post in self.posts.values():
            known = len(post.typed) + len(post.gone) + len(post.fragile)
            assert post.hand.status().pending_edits <= known

    @invariant()
    def each_child_is_with_exactly_one_authority(self) -> None:
        """And no shield has come off on the way (invariant 5)."""
        for record in RECORDS:
            assert is_shielded_now(self.home(record), record) == (record in self.shielded)

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
                who = post.hand.status().practitioner or ""
                shown = post.hand.look(record)
                require_shown_as_granted(post.world, post.hand, record, who, shown)
        self.each_child_is_with_exactly_one_authority()
        self.whoever_wrote_alone_sees_what_they_wrote_last()
        require_admitted_once(self.worlds, RECORDS)
        self.nobody_is_told_of_what_is_hidden()
        assert not self.loop.misfiled()

    def nothing_typed_or_looked_up_is_lost(self, post: Post) -> None:
        """Invariants 1 and 2: merged or in the inbox, and on record."""
        merged, refused = merged_and_refused(post.world, post.device, RECORDS)
        typed = {*post.typed, *post.fragile}
        assert typed <= merged | refused
        assert merged | refused <= {*typed, *post.gone}
        assert post.came_back or not merged & refused
        assert post.looked <= look_ups_on_record(post.world, post.device)

    def edits_of(self, post: Post) -> set[Dot]:
        merged, refused = merged_and_refused(post.world, post.device, RECORDS)
        return merged | refused

    def look_ups_of(self, post: Post) -> int:
        return look_ups_on_record(post.world, post.device)

    def nobody_is_told_of_what_is_hidden(self) -> None:
        for post in self.posts.values():
            for record, path in post.hand.notices():
                if path is not None:
                    assert path in post.world.view(record).by_path()

    def whoever_wrote_alone_sees_what_they_wrote_last(self) -> None:
        homes = {record: self.home(record) for record in RECORDS}
        with self.loop.platform.storage.reading() as transaction:
            refused = {
                item.practitioner
                for world in self.worlds
                for item in edits.inbox(transaction, world.authority)
            }
            for (record, path), written in self.written.items():
                writers = {person for person, _ in written}
                if len(writers) > 1 or writers & ({"server"} | refused | self.muddled):
                    continue
                known = find_records(transaction, homes[record].authority, [record])[record]
                if is_shielded(known.record):
                    continue  # what is hidden stays beside what is written: nobody was shown it
                assert [live.value for live in known.record.live[path]] == [written[-1][1]]
