"""Whatever somebody does with a device, it shows no more than its lease allows until it is renewed.

A program of searches, openings, lists that are typed, locks, crashes and syncs, renewing or not,
against a count kept in this file.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_world import World
from fieldward_client import AccessClosed, Session, TypeAhead
from fieldward_client.logs.journal import JOURNAL

ALLOWED = 5
STEPS = ("search", "open", "type", "type on", "lock", "kill", "tear", "sync", "sync unrenewed")


class Somebody:
    """A person with a device, and what they have been shown since the last renewal."""

    def __init__(self, world: World) -> None:
        self.world, self.home, self.shown, self.refused = world, "tablet", 0, 0
        self.device = world.ready()
        self.session, self.typing, self.paid = self._begin()

    def does(self, step: str) -> None:
        match step:
            case "search":
                self._looks(lambda: self.session.search(family="Okafor"), 1)
            case "open":
                self._looks(lambda: self.session.open("r-ada"), 1)
            case "type":
                self.typing, self.paid = self.session.type_ahead(), False
                self._types()
            case "type on":
                self._types()
            case "lock":
                self.device.close()
                self._reopens()
            case "kill" | "tear":
                self._dies(torn=step == "tear")
            case "sync":
                self.device.sync()
                if self.shown:  # an eighth of five, or more
                    self.shown = 0
            case "sync unrenewed":
                self.world.authority.lease_refused = "vetting-over"
                self.device.sync()
                self.world.authority.lease_refused = ""

    def left(self) -> int:
        lease = self.device.status().lease
        assert lease is not None
        return lease.look_ups_left

    def _types(self) -> None:
        before = self.refused
        self._looks(lambda: self.typing.list("ok"), 0 if self.paid else 1)
        self.paid = self.paid or self.refused == before

    def _looks(self, look: object, cost: int) -> None:
        assert callable(look)
        if self.shown + cost <= ALLOWED:
            assert look()
            self.shown += cost
            return
        with pytest.raises(AccessClosed, match="look-ups-used-up"):
            look()
        self.refused += 1

    def _dies(self, *, torn: bool) -> None:
        """The process is killed, at most in the middle of an entry that was not shown yet."""
        after = f"{self.home}+"
        shutil.copytree(self.world.home(self.home), self.world.home(after))
        if torn:
            with (self.world.home(after) / JOURNAL).open("ab") as file:
                file.write(b"\x00\x00\x01\x00torn")
        self.device.close()
        self.home = after
        self._reopens()

    def _reopens(self) -> None:
        self.device = self.world.open(self.home)
        self.session, self.typing, self.paid = self._begin()

    def _begin(self) -> tuple[Session, TypeAhead, bool]:
        session = self.device.session("clinic").__enter__()
        return session, session.type_ahead(), False


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=25))
def test_no_program_shows_more_than_the_lease_allows(steps: list[str]) -> None:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        world = World(Path(stack.enter_context(tempfile.TemporaryDirectory())), patch)
        world.authority.terms = replace(world.authority.terms, look_ups=ALLOWED)
        somebody = Somebody(world)
        stack.callback(lambda: somebody.device.close())
        for step in steps:
            somebody.does(step)
            assert somebody.left() == ALLOWED - somebody.shown
        somebody.device.sync()
        logged = world.authority.look_ups("d-1")
        assert sum(each.outcome == "refused" for each in logged) == somebody.refused  # U1
