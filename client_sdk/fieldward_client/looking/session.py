"""A session: who looks, why, and what they find. Nothing is shown unlogged (invariant 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Literal, Self, Unpack, cast

import msgspec

from fieldward_client.copies.hits import Answer, Hit, Hits
from fieldward_client.copies.holdings import Hold
from fieldward_client.copies.overlay import lay_over
from fieldward_client.enrolled.installation import Installation
from fieldward_client.enrolled.practitioner import Practitioner
from fieldward_client.looking.asked import Asked
from fieldward_client.looking.child import Child
from fieldward_client.looking.enquiry import EnquiryDesk
from fieldward_sync.disputes import ID_BYTES, dispute_id
from fieldward_sync.errors import AccessClosed, CallerMistake, LocalDataDamaged
from fieldward_sync.journal import MAX_FIELDS_OF_A_LOOK_UP, REASONS, LookUp
from fieldward_sync.matching.query import Query, Terms
from fieldward_sync.matching.ranking import Match
from fieldward_sync.names import QUERY_ID_BYTES, PractitionerId, RecordId
from fieldward_sync.records import Proposal, ProposedChange

STALE_SECONDS = 24 * 3600
"""Without a complete sync for this long, what is shown is marked as stale."""

Action = Literal["search", "open"]
Outcome = Literal["shown", "nothing", "too-many", "refused"]

_SURROGATE = re.compile("[\ud800-\udfff]")
"""What a terminal makes of bytes that are no text; no journal holds it."""

_ANSWERS = {
    "shown": Answer.SHOWN,
    "nothing": Answer.NOT_ON_THIS_DEVICE,
    "too-many": Answer.TOO_MANY,
}


class Session:
    """Look-ups for one reason, each on record before its result is here. Use it in ``with``.

    Every call raises ``AccessClosed`` once the server, the lease or the clock forbids reading
    (invariant 3), and ``LocalDataDamaged`` where the look-up could not be put on record or the copy
    is damaged, ``PeerBrokeProtocol`` where the server made a copy that cannot be read; then nothing
    is shown. What is looked up on this device counts against the lease:
    beyond it, ``AccessClosed("look-ups-used-up")``.
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
        self._desk = EnquiryDesk(
            installation, practitioner, reason=reason, on_behalf_of=on_behalf_of
        )
        self._entered = False
        self._found_by: dict[str, bytes] = {}
        """The query that showed a record last."""

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
        with self._installation.guard.held():
            if self._practitioner.is_open:
                with suppress(LocalDataDamaged):  # what is stored is minutes behind at most
                    self._installation.clock.remember()

    def search(self, **terms: Unpack[Terms]) -> Hits:
        """The children on this device that fit what is given, best first (see ``Terms``).

        ``CallerMistake`` if that is nothing, too little to search by, or not what it should be.
        """
        return self._search(_query_of(terms), Asked(self._new_query()))

    def type_ahead(self) -> TypeAhead:
        """A search while it is typed: its lists count as one query (see ``Asked``)."""
        asked = Asked(self._new_query())
        return TypeAhead(lambda typed: self._search(_query_of({"beginning": typed}), asked))

    def enquire(self, **terms: Unpack[Terms]) -> Hits:
        """The same in the authority's whole index, on line: for who is not on this device.

        Raises as ``search``, and ``RetryLater`` without an answer, ``RefusedByServer`` for a
        refusal. The server puts it on record before it answers.
        """
        query, query_id = _query_of(terms), self._new_query()
        with self._refusals_on_record("search", terms=query.terms, query=query_id):
            self._practitioner.holdings()
        with self._installation.guard.held():
            hits = self._desk.search(query.terms, query=query_id)
            self._practitioner.holdings()  # it may have closed while the server answered
        self._found_by.update((hit.record_id, query_id) for hit in hits)
        return hits

    def open_enquired(self, record_id: str) -> Child:
        """One entry of the authority's whole index, on line, to be read only.

        Raises as ``enquire``, and ``CallerMistake("not-found")`` if there is no such record.
        """
        _check_shape(record_id, RecordId, "record-id")
        query_id = self._found_by.get(record_id, b"")
        with self._refusals_on_record("open", records=[record_id], query=query_id):
            self._practitioner.holdings()
        with self._installation.guard.held():
            opened = self._desk.open(record_id, query=query_id)
            self._practitioner.holdings()
        if opened is None:
            raise CallerMistake("not-found", "There is no such record in the authority's index.")
        view, as_at = opened
        return Child(
            lay_over(view, (), {}),
            incarnation=self._installation.trust.incarnation,
            as_at=as_at,
            write=_refuse_edit,
            name_dispute=self._name_dispute,
        )

    def open(self, record_id: str) -> Child:
        """A child's entry; ``CallerMistake("not-held")`` if it is not on this device."""
        _check_shape(record_id, RecordId, "record-id")
        looked_for: dict[str, Any] = {
            "records": [record_id],
            "query": self._found_by.get(record_id, b""),
        }
        with self._refusals_on_record("open", **looked_for):
            holdings = self._practitioner.holdings()
            hold = holdings.find(record_id)
            if hold is None:
                self._write("open", "nothing", cost=1, **looked_for)
                raise CallerMistake(
                    "not-held",
                    "This record is not on this device.",
                    next_step="Search again: it may have left with the last sync. "
                    "That it is not here does not mean that there is no such child: enquire.",
                )
            distribution = holdings.store.distribution
            assert distribution is not None
            child = Child(
                hold.shown,
                incarnation=distribution.incarnation,
                as_at=self._as_at(hold),
                write=self._edit,
                name_dispute=self._name_dispute,
            )
            self._write("open", "shown", cost=1, fields=child.fields, **looked_for)
        return child

    def _search(self, query: Query, asked: Asked) -> Hits:
        looked_for: dict[str, Any] = {"terms": query.terms, "query": asked.id}
        with self._refusals_on_record("search", **looked_for):
            holdings = self._practitioner.holdings()
            held = holdings.search(query, today=self._today())
            hits = tuple(self._hit(hold, match) for hold, match in held.found)
            found = [hit.record_id for hit in hits]
            outcome: Outcome = "too-many" if held.too_many else "shown" if hits else "nothing"
            self._write("search", outcome, cost=asked.cost(found), records=found, **looked_for)
        asked.show(found)
        self._found_by.update((record_id, asked.id) for record_id in found)
        return Hits(
            _ANSWERS[outcome],
            hits,
            query.narrower() if held.too_many else (),
            holdings.store.unsearched(),
        )

    def _new_query(self) -> bytes:
        return self._installation.entropy(QUERY_ID_BYTES)

    def _name_dispute(self) -> tuple[str, str]:
        return dispute_id(self._installation.entropy(ID_BYTES)), self._today().isoformat()

    def _today(self) -> date:
        return datetime.fromtimestamp(self._installation.clock.now(), UTC).date()

    @contextmanager
    def _refusals_on_record(self, action: Action, **looked_for: Any) -> Iterator[None]:
        """That something may not be read now is put on record too, if it can be."""
        self._require_entered()
        with self._installation.guard.held():
            try:
                self._practitioner.use()
                yield
            except AccessClosed:
                with suppress(LocalDataDamaged):
                    self._write(action, "refused", cost=0, **looked_for)
                raise

    def _require_entered(self) -> None:
        if not self._entered:
            raise CallerMistake("session-over", "Use a session inside its with block.")

    def _write(
        self,
        action: Action,
        outcome: Outcome,
        *,
        cost: int,
        terms: Mapping[str, str] | None = None,
        records: Sequence[str] = (),
        fields: Sequence[str] = (),
        query: bytes = b"",
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
                query=query,
            )
            for start in starts
        )
        self._practitioner.write_look_ups(*look_ups, cost=cost, now=now)

    def _edit(
        self, record_id: str, incarnation: int, base: int, changes: tuple[ProposedChange, ...]
    ) -> Proposal:
        self._require_entered()
        with self._installation.guard.held():
            self._practitioner.use()
            self._practitioner.holdings()
            return self._make_edit(record_id, incarnation, base, changes)

    def _make_edit(
        self, record_id: str, incarnation: int, base: int, changes: tuple[ProposedChange, ...]
    ) -> Proposal:
        here = self._installation
        made_at = here.clock.now()
        here.counters.skip_edits(here.outbox.content.last)  # of a call that was broken off, too
        with here.counters.edit() as counter:
            proposal = Proposal(
                counter=counter,
                incarnation=incarnation,
                record_id=record_id,
                changes=changes,
                practitioner=self._practitioner.id,
                made_at=made_at,
                reason=self._reason,
                base=base,
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
            agreement=match.agreement,
            partition=hold.manifest.title,
            as_at=as_at,
            stale=self._installation.clock.now() - as_at > STALE_SECONDS,
        )

    def _as_at(self, hold: Hold) -> int:
        complete = self._installation.contact.last_complete.get(self._practitioner.id, 0)
        return max(complete, hold.manifest.made)


class TypeAhead:
    """A search while it is typed. Each list that it shows is on record before it is here, and all
    of them under one query."""

    def __init__(self, search: Callable[[str], Hits]) -> None:
        self._search = search

    def list(self, typed: str) -> Hits:
        """The children on this device of whose names each typed word begins one, from two letters
        on: hits, or that more has to be typed. Raises as ``Session.search``."""
        return self._search(typed)


def _postcode_district(hold: Hold) -> str:
    for laid in hold.shown.at.get("address", ()):
        if isinstance(laid.value, dict) and isinstance(postcode := laid.value.get("postcode"), str):
            return postcode.partition(" ")[0]
    return ""


def _refuse_edit(
    record_id: str, incarnation: int, base: int, changes: tuple[ProposedChange, ...]
) -> Proposal:
    raise CallerMistake(
        "not-held",
        "This record is not on this device, so it cannot be edited here.",
        next_step="Ask your sync administrator to add it to what you hold.",
    )


def _query_of(terms: Mapping[str, object]) -> Query:
    """What somebody remembers; ``CallerMistake``: "unknown-term", "not-text", and as ``Query``."""
    for name, term in terms.items():
        if name not in Terms.__annotations__:
            raise CallerMistake(
                "unknown-term",
                f"A search has no term {name[:32]!r}.",
                next_step=f"It takes: {', '.join(Terms.__annotations__)}.",
            )
        if not isinstance(term, str) or _SURROGATE.search(term):
            raise CallerMistake("not-text", f"{name} is to be text, as it would be typed.")
    return Query(**cast(Terms, terms))


def _check_shape(value: str, shape: Any, code: str) -> None:
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as e:
        raise CallerMistake(code, "This is not an id as Fieldward gives them.") from e
