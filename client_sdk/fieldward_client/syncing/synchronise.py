"""One sync, as in docs/protocol.md §5: what was left of a wipe, then up, then down."""

from __future__ import annotations

from collections.abc import Callable

from fieldward_client.enrolled.generations import (
    become,
    earlier,
    finish_coming_back,
    forget,
    is_done_with,
    next_journal_key,
    old_copy,
    opened,
)
from fieldward_client.enrolled.installation import Installation
from fieldward_client.enrolled.practitioner import Practitioner
from fieldward_client.enrolled.taking_over import redeem
from fieldward_client.enrolled.wipe import go_on, is_wiped, leave
from fieldward_client.keys.identity import IDENTITY
from fieldward_client.syncing.deliver import Delivery
from fieldward_client.syncing.receive import Reception
from fieldward_client.wire.guard import Overtaken
from fieldward_client.wire.patience import Patience
from fieldward_client.wire.report import Progress, SyncOutcome, SyncReport
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
) -> tuple[SyncReport, Practitioner | None]:
    """Sync once, in the practitioner's name or, while locked, in the device's; with the report who
    is at the device after it.

    Raises ``LocalDataDamaged`` if the folder cannot be worked with; everything else is an outcome.
    """
    if finish_coming_back(installation):
        practitioner = None  # whose keys are another generation's; the passphrase opens the new
    go_on(installation)
    installation.discard_damaged()
    installation.erase_overdue_leases()
    run = _Run(
        installation, practitioner, tell, Patience(patience_seconds, tell, installation.guard)
    )
    run.sync()
    if run.came_back:
        run.sync()
    run.deliver_earlier()
    report = run.report()
    if not (report.wiped and not earlier(installation) and leave(installation)):
        _remember(installation, run.practitioner, report.outcome)
    if not report.wiped:
        installation.folder.keep_room()
    return report, None if report.wiped else run.practitioner


class _Run:
    """What one sync comes to: of the generation there is, of the next if it becomes that, and of
    those before it."""

    def __init__(
        self,
        installation: Installation,
        practitioner: Practitioner | None,
        tell: Progress,
        patience: Patience,
    ) -> None:
        self.practitioner = practitioner
        self.came_back = False
        self._here = installation
        self._tell = tell
        self._patience = patience
        self._deliveries: list[Delivery] = []
        self._reception: Reception | None = None
        self._outcome = SyncOutcome.OFFLINE
        self._error: Error | None = None

    def sync(self) -> None:
        """Deliver and receive; or become the next generation, which is synced then."""
        self.came_back = False
        delivery = self._delivery(self._here, self.practitioner)
        self._reception = (
            Reception(self._here, self.practitioner, self._tell, self._patience)
            if self.practitioner
            else None
        )
        self._outcome, self._error = _attempt(delivery, lambda: self._both_ways(delivery))

    def deliver_earlier(self) -> None:
        """Deliver what earlier generations have left, each as a locked device; those that are done
        with are forgotten."""
        for name in earlier(self._here):
            if self._outcome is SyncOutcome.OFFLINE:
                return
            if self._here.folder.below(name).read(IDENTITY) is not None:
                with opened(self._here, name) as before:
                    self._deliver(before)
                    if not is_done_with(before, wiped=is_wiped(self._here)):
                        continue
            forget(self._here.folder, name)

    def report(self) -> SyncReport:
        """What came of it all."""
        reception = self._reception
        return SyncReport(
            outcome=self._outcome,
            error=self._error,
            access=self._here.contact.access,
            edits_sent=sum(each.edits for each in self._deliveries),
            look_ups_sent=sum(each.look_ups for each in self._deliveries),
            verdicts=tuple(verdict for each in self._deliveries for verdict in each.verdicts),
            lease_renewed=reception is not None and reception.renewed,
            updated=tuple(reception.updated) if reception else (),
            lost=tuple(reception.lost) if reception else (),
            on_line_now=tuple(reception.on_line_now) if reception else (),
            bytes_fetched=reception.bytes_fetched if reception else 0,
            wiped=is_wiped(self._here),
        )

    def _delivery(self, installation: Installation, practitioner: Practitioner | None) -> Delivery:
        delivery = Delivery(installation, practitioner, self._tell, self._patience)
        self._deliveries.append(delivery)
        return delivery

    def _deliver(self, before: Installation) -> None:
        delivery = self._delivery(before, None)

        def up() -> tuple[SyncOutcome, Error | None]:
            try:
                delivery.run()
            finally:
                before.keep()
            return _unless(delivery.fault, SyncOutcome.DELIVERED)

        outcome, error = _attempt(delivery, up)
        if outcome is not SyncOutcome.DELIVERED and self._error is None:
            self._outcome, self._error = SyncOutcome.PARTIAL, error

    def _both_ways(self, delivery: Delivery) -> tuple[SyncOutcome, Error | None]:
        here, reception = self._here, self._reception
        unheard = redeem(here, self._patience)
        if self.practitioner is not None and self.practitioner.id in unheard:
            raise unheard[self.practitioner.id]
        answer, server_time = delivery.run()
        delivery.fault = delivery.fault or next(iter(unheard.values()), None)
        if reception is None or self.practitioner is None or not self.practitioner.is_open:
            return _unless(delivery.fault, SyncOutcome.DELIVERED)
        if answer.parted:
            generation = delivery.go_on(next_journal_key(here.folder, here.entropy))
            if generation and not is_wiped(here):
                try:
                    self.practitioner = become(here, self.practitioner, generation)
                except AccessClosed as e:  # locked while the server answered
                    return SyncOutcome.PARTIAL, e
                self.came_back = True
                return SyncOutcome.PARTIAL, None
            delivery.fault = delivery.fault or old_copy()
        if is_wiped(here) or not here.contact.rights_of(self.practitioner.id).pull:
            return _unless(delivery.fault, SyncOutcome.DELIVERED)
        try:
            reception.run(answer, server_time)
        except AccessClosed as e:
            # Why there is nothing to read helps more than that there is not.
            return SyncOutcome.PARTIAL, reception.fault or e
        delivery.confirm()
        return _unless(delivery.fault or reception.fault, SyncOutcome.COMPLETE)


def _attempt(
    delivery: Delivery, attempt: Callable[[], tuple[SyncOutcome, Error | None]]
) -> tuple[SyncOutcome, Error | None]:
    try:
        return attempt()
    except (Crowded, Overtaken) as e:
        return SyncOutcome.PARTIAL, e
    except RetryLater as e:
        return (SyncOutcome.PARTIAL if delivery.answered else SyncOutcome.OFFLINE), e
    except RefusedByServer as e:
        return SyncOutcome.REFUSED, e
    except PeerBrokeProtocol as e:
        return SyncOutcome.DISTRUSTED, e


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
