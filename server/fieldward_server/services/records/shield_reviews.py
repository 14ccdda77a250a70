"""Which shields stand, since when and why, and by when somebody looks at each again (H9).

A shield holds until it is released: nothing here ends one, and none ends by being forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.services.authorities import locked
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.known_records import stored_record
from fieldward_server.services.records.provenance import HistoricValue, Provenance
from fieldward_server.storage import events, merges, records, shield_reviews
from fieldward_server.storage.shield_reviews import StoredReview
from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import RAISED
from fieldward_sync.projection import SHIELD

SHIELDS_IN_A_PAGE = 100


@dataclass(frozen=True)
class StandingShield:
    """A record that is shielded now. Times are in seconds since 1970 UTC."""

    record_id: str
    since: int
    """When the first of its raises that still hold came."""
    raises: tuple[HistoricValue, ...]
    """Those that hold, in the order in which they came: each has to be released."""
    reviewed_at: int
    """0: nobody has looked at it since it was raised."""
    reviewed_by: str
    again_by: int
    """0: nobody has said by when."""


def list_shields(
    platform: Platform, authority: str, *, after: str = "", limit: int = SHIELDS_IN_A_PAGE
) -> tuple[StandingShield, ...]:
    """The next shields that stand, after a record; empty after the last."""
    with platform.storage.reading() as transaction:
        shielded = records.shielded(
            transaction, authority, after=after, at_most=min(limit, SHIELDS_IN_A_PAGE)
        )
        reviews = shield_reviews.among(transaction, authority, shielded)
        provenances = [Provenance.find(transaction, authority, each) for each in shielded]
    return tuple(
        _standing(provenance, reviews.get(provenance.known.record.record_id))
        for provenance in provenances
    )


def review_shield(
    platform: Platform,
    *,
    authority: str,
    record: str,
    again_by: int,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Say that a shield was looked at and stands, and by when somebody looks again.

    ``CallerMistake``: "unknown-record", "record-moved", "not-shielded", "review-in-the-past".
    """
    if again_by <= now:
        raise CallerMistake("review-in-the-past", "The next review lies in the past.")
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        stored = stored_record(transaction, authority, record)
        # One that goes on in another record is listed, and looked at, as that one.
        if not stored.shielded or merges.among(transaction, authority, [record]):
            raise CallerMistake(
                "not-shielded",
                f"No shield stands on {record[:32]!r}.",
                next_step="`fieldward shield list` has those that do.",
            )
        shield_reviews.put(transaction, StoredReview(authority, record, now, actor, again_by))
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="shield-reviewed",
            subject=record,
            reason=reason,
        )


def _standing(provenance: Provenance, review: StoredReview | None) -> StandingShield:
    raises = tuple(each for each in provenance.live_at(SHIELD) if each.value == RAISED)
    since = raises[0].received_at
    # One that was released and raised again is another shield, which nobody has looked at.
    if review is not None and review.at < since:
        review = None
    return StandingShield(
        record_id=provenance.known.record.record_id,
        since=since,
        raises=raises,
        reviewed_at=review.at if review else 0,
        reviewed_by=review.by if review else "",
        again_by=review.again_by if review else 0,
    )
