"""One sync, as in docs/protocol.md §5: what was left of a wipe, then up, then down."""

from __future__ import annotations

from fieldward_client.deliver import Delivery
from fieldward_client.installation import Installation
from fieldward_client.patience import Patience
from fieldward_client.practitioner import Practitioner
from fieldward_client.receive import Reception
from fieldward_client.report import Progress, SyncOutcome, SyncReport
from fieldward_client.wipe import go_on, is_wiped, leave
from fieldward_sync.errors import (
    AccessClosed,
    Error,
    PeerBrokeProtocol,
    RefusedByServer,
    RetryLater,
)
from fieldward_sync.messages import DEVICE_KEY
from fieldward_sync.problems import Crowded


def synchronise(
    installation: Installation,
    practitioner: Practitioner | None,
    tell: Progress,
    *,
    patience_seconds: float,
) -> SyncReport:
    """Sync once, in the practitioner's name or, while locked, in the device's.

    Raises ``LocalDataDamaged`` if the folder cannot be worked with; everything else is an outcome.
    """
    go_on(installation)
    installation.discard_damaged()
    installation.erase_overdue_leases()
    patience = Patience(patience_seconds, tell)
    delivery = Delivery(installation, practitioner, tell, patience)
    reception = Reception(installation, practitioner, tell, patience) if practitioner else None
    outcome, error = _attempt(installation, delivery, reception)
    report = SyncReport(
        outcome=outcome,
        error=error,
        access=installation.contact.access,
        edits_sent=delivery.edits,
        look_ups_sent=delivery.look_ups,
        verdicts=tuple(delivery.verdicts),
        lease_renewed=reception is not None and reception.renewed,
        updated=tuple(reception.updated) if reception else (),
        lost=tuple(reception.lost) if reception else (),
        bytes_fetched=reception.bytes_fetched if reception else 0,
        wiped=is_wiped(installation),
    )
    if not (report.wiped and leave(installation)):
        _remember(installation, practitioner, outcome)
    return report


def _attempt(
    installation: Installation, delivery: Delivery, reception: Reception | None
) -> tuple[SyncOutcome, Error | None]:
    try:
        answer, server_time = delivery.run()
        if reception is None or is_wiped(installation) or not installation.rights.pull:
            return _unless(delivery.fault, SyncOutcome.DELIVERED)
        reception.run(answer, server_time)
        delivery.confirm()
        return _unless(delivery.fault or reception.fault, SyncOutcome.COMPLETE)
    except Crowded as e:
        return SyncOutcome.PARTIAL, e
    except RetryLater as e:
        return (SyncOutcome.PARTIAL if delivery.answered else SyncOutcome.OFFLINE), e
    except RefusedByServer as e:
        return SyncOutcome.REFUSED, e
    except PeerBrokeProtocol as e:
        return SyncOutcome.DISTRUSTED, e
    except AccessClosed as e:
        # Why there is nothing to read helps more than that there is not.
        return SyncOutcome.PARTIAL, (reception and reception.fault) or e


def _unless(fault: Error | None, outcome: SyncOutcome) -> tuple[SyncOutcome, Error | None]:
    return (outcome, None) if fault is None else (SyncOutcome.PARTIAL, fault)


def _remember(
    installation: Installation, practitioner: Practitioner | None, outcome: SyncOutcome
) -> None:
    now, complete = installation.clock.estimate(), installation.contact.last_complete
    who = practitioner.id if practitioner else DEVICE_KEY
    tried = {**installation.contact.last_tried, who: now}
    if practitioner is not None and outcome is SyncOutcome.COMPLETE:
        complete = {**complete, practitioner.id: now}
    installation.keep(last_tried=tried, last_complete=complete)
