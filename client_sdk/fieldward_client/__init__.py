"""Fieldward's client: what an integrator embeds in an app for people who work without signal.

``Device`` is the way in. Errors are a few families, by what the caller does next; being offline is
an outcome of ``Device.sync``, never an exception.
"""

from fieldward_client.copies.hits import Answer, Hit, Hits, Unsearched
from fieldward_client.copies.notices import Notice
from fieldward_client.device import Device
from fieldward_client.disk.clock import Clock, SystemClock
from fieldward_client.enrolled.watch import DeviceEvent, Observer, ThreadTimer, Timer
from fieldward_client.looking.child import Child
from fieldward_client.looking.session import Session, TypeAhead
from fieldward_client.status import (
    LeaseStatus,
    PartitionStatus,
    PassphraseStatus,
    PendingEdit,
    Status,
)
from fieldward_client.wire.report import EditVerdict, SyncOutcome, SyncProgress, SyncReport
from fieldward_client.wire.transport import HttpAnswer, HttpTransport, Transport
from fieldward_sync.clock import Reading
from fieldward_sync.disputes import Dispute
from fieldward_sync.errors import (
    AccessClosed,
    CallerMistake,
    Error,
    LocalDataDamaged,
    PeerBrokeProtocol,
    RefusedByServer,
    RetryLater,
)
from fieldward_sync.journal import REASONS
from fieldward_sync.leases import LeaseState
from fieldward_sync.records import Value
from fieldward_sync.ways import Way

__all__ = [
    "REASONS",
    "AccessClosed",
    "Answer",
    "CallerMistake",
    "Child",
    "Clock",
    "Device",
    "DeviceEvent",
    "Dispute",
    "EditVerdict",
    "Error",
    "Hit",
    "Hits",
    "HttpAnswer",
    "HttpTransport",
    "LeaseState",
    "LeaseStatus",
    "LocalDataDamaged",
    "Notice",
    "Observer",
    "PartitionStatus",
    "PassphraseStatus",
    "PeerBrokeProtocol",
    "PendingEdit",
    "Reading",
    "RefusedByServer",
    "RetryLater",
    "Session",
    "Status",
    "SyncOutcome",
    "SyncProgress",
    "SyncReport",
    "SystemClock",
    "ThreadTimer",
    "Timer",
    "Transport",
    "TypeAhead",
    "Unsearched",
    "Value",
    "Way",
]
