"""Asking the server for a child who is not on the device: sealed to it, sealed back (design §7).

The server puts the look-up on record before it answers.
"""

from __future__ import annotations

from collections.abc import Mapping

from fieldward_client.copies.hits import Answer, Hit, Hits
from fieldward_client.enrolled.installation import Installation
from fieldward_client.enrolled.practitioner import Practitioner
from fieldward_sync.encoding import decode, encode
from fieldward_sync.enquiries import (
    Enquired,
    Enquirer,
    Enquiry,
    EnquiryAnswer,
    EnquiryHit,
    open_answer,
    seal_enquiry,
)
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.keys import KEY_BYTES, hpke_public_key
from fieldward_sync.messages import MAX_ANSWER_BYTES
from fieldward_sync.views import View

PATH = "/v1/enquiries"

_ANSWERS = {
    "shown": Answer.SHOWN,
    "nothing": Answer.NO_SUCH_CHILD,
    "too-many": Answer.TOO_MANY,
}


class EnquiryDesk:
    """One session's enquiries, for one reason. Each raises ``RetryLater`` without an answer,
    ``RefusedByServer`` for a refusal, and ``PeerBrokeProtocol`` for what is not the server's."""

    def __init__(
        self,
        installation: Installation,
        practitioner: Practitioner,
        *,
        reason: str,
        on_behalf_of: str | None,
    ) -> None:
        self._installation = installation
        self._practitioner = practitioner
        self._reason = reason
        self._on_behalf_of = on_behalf_of

    def search(self, terms: Mapping[str, str], *, query: bytes) -> Hits:
        """The children of the authority's whole index that fit."""
        enquired, at = self._ask(terms=dict(terms), record_id=None, query=query)
        hits = tuple(_hit(found, at) for found in enquired.hits)
        return Hits(_ANSWERS[enquired.outcome], hits, enquired.add)

    def open(self, record_id: str, *, query: bytes) -> tuple[View, int] | None:
        """One record and the server's time; ``None`` if there is no such record."""
        enquired, at = self._ask(terms={}, record_id=record_id, query=query)
        if enquired.view is None:
            return None
        if enquired.view.record_id != record_id:
            raise PeerBrokeProtocol("enquiry-misanswered", "The server opened another record.")
        return enquired.view, at

    def _ask(
        self, *, terms: dict[str, str], record_id: str | None, query: bytes
    ) -> tuple[Enquired, int]:
        here, seed = self._installation, self._installation.entropy(KEY_BYTES)
        enquiry = Enquiry(
            reason=self._reason,
            on_behalf_of=self._on_behalf_of,
            query=query,
            terms=terms,
            record_id=record_id,
            answer_key=hpke_public_key(seed),
        )
        enquirer = Enquirer(
            here.identity.authority,
            here.trust.incarnation,
            here.identity.device,
            here.identity.generation,
            self._practitioner.id,
        )
        body, server_time = here.line.post(
            PATH,
            encode(seal_enquiry(enquiry, here.trust.edit_key, enquirer=enquirer)),
            caller=self._practitioner.caller(),
        )
        answer = decode(EnquiryAnswer, body, max_bytes=MAX_ANSWER_BYTES)
        return open_answer(answer, seed, query=query, enquirer=enquirer), server_time


def _hit(found: EnquiryHit, at: int) -> Hit:
    return Hit(
        record_id=found.record_id,
        family=found.family,
        given=found.given,
        born=found.born,
        postcode_district=found.postcode_district,
        shielded=found.shielded,
        conflicts=found.conflicts,
        pending=False,
        score=found.score_percent / 100,
        agreement=found.agreement,
        partition="",
        as_at=at,
        stale=False,
    )
