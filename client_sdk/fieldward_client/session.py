"""A session: who looks, why, and what they find. Nothing is shown unlogged (invariant 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from fieldward_client.child import Child
from fieldward_client.holdings import Hold, Holdings
from fieldward_client.installation import Installation
from fieldward_client.practitioner import Practitioner
from fieldward_sync.errors import AccessClosed, CallerMistake, LocalDataDamaged
from fieldward_sync.journal import MAX_FIELDS_OF_A_LOOK_UP, REASONS, LookUp
from fieldward_sync.names import PractitionerId, RecordId
from fieldward_sync.records import Proposal, ProposedChange
from fieldward_sync.search import Match, Query

STALE_SECONDS = 24 * 3600
"""Without a complete sync for this long, what is shown is marked as stale."""

Action = Literal["search", "open"]
Outcome = Literal["shown", "nothing", "refused"]


@dataclass(frozen=True)
class Hit:
    """A record that fits a search: enough to tell one child from another.

    A field that is empty is not shown, or not known. What says who the child is stays out of
    ``repr``, and so out of other people's logs.
    """

    record_id: str
    family: str = field(repr=False)
    given: str = field(repr=False)
    born: str = field(repr=False)
    postcode_district: str = field(repr=False)
    """The outward half of the postcode of the current or last known address."""
    shielded: bool
    conflicts: tuple[str, ...]
    """Paths with several values; above stands the first of them."""
    pending: bool
    """Whether an edit made on this device has not come back from the server yet."""
    score: float
    """How well it fits, from 0 to 1."""
    agreed: tuple[str, ...]
    """The search terms that agree exactly."""
    partition: str
    """The title of the partition that holds it."""
    as_at: int
    """When this was last known to be the server's state, in seconds since 1970 UTC."""
    stale: bool


class Session:
    """Look-ups for one reason, each on record before its result is here. Use it in ``with``.

    Every call raises ``AccessClosed`` once the server, the lease or the clock forbids reading
    (invariant 3), and ``LocalDataDamaged`` where the look-up could not be put on record or the copy
    is damaged; then nothing is shown.
    """

    def __init__(
        self,
        installation: Installation,
        practitioner: Practitioner,
        *,
        reason: str,
        on_behalf_of: str | None,
    ) -> None:
        if reason not in REASONS:
            raise CallerMistake(
                "reason-unknown", f"A reason is one of: {', '.join(sorted(REASONS))}."
            )
        if on_behalf_of is not None:
            _check_shape(on_behalf_of, PractitionerId, "practitioner-id")
        self._installation = installation
        self._practitioner = practitioner
        self._reason = reason
        self._on_behalf_of = on_behalf_of
        self._entered = False

    def __enter__(self) -> Self:
        self._entered = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._entered = False
        if self._practitioner.is_open:
            with suppress(LocalDataDamaged):  # what is stored is minutes behind at most
                self._installation.clock.remember()

    def search(
        self,
        *,
        family: str = "",
        given: str = "",
        born: str = "",
        postcode: str = "",
        nhs_number: str = "",
    ) -> tuple[Hit, ...]:
        """The children on this device that fit everything given, best first, at most 20.

        Names in any spelling; ``born`` as 2021, 2021-03 or 2021-03-14; a postcode or its beginning;
        an NHS number whole. ``CallerMistake`` if that is nothing or too little to search by.
        """
        query = Query(family, given, born, postcode, nhs_number)
        found = self._holdings("search", terms=query.terms).search(query)
        hits = tuple(self._hit(hold, match) for hold, match in found)
        self._write(
            "search",
            "shown" if hits else "nothing",
            terms=query.terms,
            records=[hit.record_id for hit in hits],
        )
        return hits

    def open(self, record_id: str) -> Child:
        """A child's entry; ``CallerMistake("not-held")`` if it is not on this device."""
        _check_shape(record_id, RecordId, "record-id")
        holdings = self._holdings("open", records=[record_id])
        hold = holdings.find(record_id)
        if hold is None:
            self._write("open", "nothing", records=[record_id])
            raise CallerMistake(
                "not-held",
                "This record is not on this device.",
                next_step="Search again: it may have left with the last sync. "
                "That it is not here does not mean that there is no such child.",
            )
        distribution = holdings.store.distribution
        assert distribution is not None
        child = Child(
            hold.shown,
            incarnation=distribution.incarnation,
            as_at=self._as_at(hold),
            write=self._edit,
        )
        self._write("open", "shown", records=[record_id], fields=child.fields)
        return child

    def _holdings(self, action: Action, **looked_for: Any) -> Holdings:
        """What may be read now. A refusal is put on record too, if it can be."""
        self._require_entered()
        try:
            return self._practitioner.holdings()
        except AccessClosed:
            with suppress(LocalDataDamaged):
                self._write(action, "refused", **looked_for)
            raise

    def _require_entered(self) -> None:
        if not self._entered:
            raise CallerMistake("session-over", "Use a session inside its with block.")

    def _write(
        self,
        action: Action,
        outcome: Outcome,
        *,
        terms: Mapping[str, str] | None = None,
        records: Sequence[str] = (),
        fields: Sequence[str] = (),
    ) -> None:
        now = self._installation.clock.estimate()
        starts = range(0, max(1, len(fields)), MAX_FIELDS_OF_A_LOOK_UP)
        look_ups = (
            LookUp(
                action=action,
                outcome=outcome,
                practitioner=self._practitioner.id,
                on_behalf_of=self._on_behalf_of,
                reason=self._reason,
                at=now,
                terms=dict(terms or {}),
                records=tuple(records),
                fields=tuple(fields[start : start + MAX_FIELDS_OF_A_LOOK_UP]),
            )
            for start in starts
        )
        self._practitioner.write_look_ups(*look_ups, now=now)

    def _edit(
        self, record_id: str, incarnation: int, changes: tuple[ProposedChange, ...]
    ) -> Proposal:
        self._require_entered()
        self._practitioner.holdings()
        made_at = self._installation.clock.now()
        with self._installation.counters.edit() as counter:
            proposal = Proposal(
                counter=counter,
                incarnation=incarnation,
                record_id=record_id,
                changes=changes,
                practitioner=self._practitioner.id,
                made_at=made_at,
                reason=self._reason,
            )
            self._practitioner.write_edit(proposal)
        return proposal

    def _hit(self, hold: Hold, match: Match) -> Hit:
        view, as_at = hold.shown.as_view(), self._as_at(hold)
        return Hit(
            record_id=view.record_id,
            family=view.text("name.family"),
            given=view.text("name.given"),
            born=view.text("born"),
            postcode_district=_postcode_district(hold),
            shielded=view.shielded,
            conflicts=tuple(hold.shown.conflicts),
            pending=bool(hold.shown.pending),
            score=match.score,
            agreed=match.agreed,
            partition=hold.manifest.title,
            as_at=as_at,
            stale=self._installation.clock.now() - as_at > STALE_SECONDS,
        )

    def _as_at(self, hold: Hold) -> int:
        complete = self._installation.contact.last_complete.get(self._practitioner.id, 0)
        return max(complete, hold.manifest.made)


def _postcode_district(hold: Hold) -> str:
    for laid in hold.shown.at.get("address", ()):
        if isinstance(laid.value, dict) and isinstance(postcode := laid.value.get("postcode"), str):
            return postcode.partition(" ")[0]
    return ""


def _check_shape(value: str, shape: Any, code: str) -> None:
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as e:
        raise CallerMistake(code, "This is not an id as Fieldward gives them.") from e
