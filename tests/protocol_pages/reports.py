"""What each command of administrators answers, and the reports that it answers with."""

from __future__ import annotations

from fieldward_server.services.administrators import AdministratorReport
from fieldward_server.services.authorities import AuthorityReport
from fieldward_server.services.custody.device_reports import DeviceReport, HolderReport, WipeReport
from fieldward_server.services.custody.invitations import NewCode
from fieldward_server.services.custody.practitioners import PractitionerReport, TheirDevice
from fieldward_server.services.custody.redactions import ReachedDevice
from fieldward_server.services.custody.still_held import (
    CustodyPreview,
    HeldThere,
    LossRecord,
    LossReport,
)
from fieldward_server.services.custody.time_codes import TimeCode
from fieldward_server.services.distribution.holdings import Preview, RecordsByWay, TouchedDevice
from fieldward_server.services.distribution.partitions import PartitionReport
from fieldward_server.services.exchange.inbox import InboxEntry
from fieldward_server.services.look_ups.journals import JournalReport
from fieldward_server.services.look_ups.sealed_look_ups import (
    SealedBox,
    SealedEnquiry,
    SealedLookUp,
    SealedPage,
)
from fieldward_server.services.records.conflicts import Conflict
from fieldward_server.services.records.disputes import OpenDispute
from fieldward_server.services.records.duplicates import Duplicates
from fieldward_server.services.records.loading import LineVerdict
from fieldward_server.services.records.merges import MergePreview
from fieldward_server.services.records.provenance import HistoricValue
from fieldward_server.services.records.reading import RecordHistory, ValueHistory
from fieldward_server.services.records.shield_reviews import StandingShield
from fieldward_server.services.records.shields import PendingLikeness
from fieldward_server.services.records.splits import SplitPreview
from fieldward_server.services.records.transfers import TransferPreview, TransferReport
from fieldward_server.storage.events import Event, Incident
from fieldward_server.storage.practitioners import Practitioner
from fieldward_sync.custody import Aftermath
from fieldward_sync.disputes import Dispute

NOTHING = "`{}`"

ANSWERS = {
    "authority/keys": "`answer_key`, `edit_key` (hex), `incarnation`",
    "authority/create": NOTHING,
    "authority/show": "`AuthorityReport`",
    "authority/trust": "`root_key`, `trust` (hex; the bytes of a packed `Signed`)",
    "authority/prepare-keys": "`answer_key`, `edit_key` (hex), `incarnation`, `version`",
    "authority/renew-keys": NOTHING,
    "authority/events": "items of `Event`, the newest last",
    "authority/incidents": "items of `Incident`",
    "administrator/add": NOTHING,
    "administrator/list": "items of `AdministratorReport`",
    "administrator/remove": NOTHING,
    "practitioner/add": NOTHING,
    "practitioner/list": "items of `Practitioner`",
    "practitioner/show": "`PractitionerReport`",
    "practitioner/suspend": "`Practitioner`",
    "practitioner/resume": NOTHING,
    "partition/create": "`records`: how many it has",
    "partition/change": "`records`: how many it has now",
    "partition/preview": "`Preview`",
    "partition/way": NOTHING,
    "partition/preview-way": "`Preview`",
    "partition/renew-key": NOTHING,
    "partition/list": "items of `PartitionReport`",
    "partition/seal": "`files`: how many were made",
    "grant/give": NOTHING,
    "grant/take": NOTHING,
    "grant/preview": "`Preview`",
    "device/invite": "`NewCode`",
    "device/hand-over": "`NewCode`",
    "device/withdraw-hand-over": NOTHING,
    "device/list": "items of `DeviceReport`",
    "device/show": "`DeviceReport`",
    "device/preview": "`CustodyPreview`",
    "device/loss-report": "`LossReport`",
    "device/loss-records": "items of `LossRecord`; none after the last",
    "device/pause": NOTHING,
    "device/resume": NOTHING,
    "device/drain": NOTHING,
    "device/revoke": NOTHING,
    "device/cap": NOTHING,
    "device/time-code": "`TimeCode`",
    "device/wipe": "`waits`: whether it waits for a second administrator",
    "device/confirm-wipe": NOTHING,
    "device/withdraw-wipe": NOTHING,
    "shield/raise": NOTHING,
    "shield/release": NOTHING,
    "shield/list": "items of `StandingShield`; none after the last",
    "shield/review": NOTHING,
    "shield/devices": "items of `ReachedDevice`",
    "shield/alike": "items of `PendingLikeness`; none after the last",
    "shield/same": NOTHING,
    "shield/different": NOTHING,
    "records/load": "`verdicts`: a `LineVerdict` for each line",
    "records/history": "`RecordHistory`",
    "records/values": "`ValueHistory`",
    "records/duplicates": "`Duplicates`; what is `likely` is an [`EnquiryHit`](enquiries.md)",
    "records/merge-preview": "`MergePreview`",
    "records/merge": NOTHING,
    "records/split-preview": "`SplitPreview`",
    "records/split": NOTHING,
    "records/offer-preview": "`TransferPreview`",
    "records/offer": NOTHING,
    "records/withdraw": NOTHING,
    "records/accept-preview": "`TransferPreview`",
    "records/accept": NOTHING,
    "records/decline": NOTHING,
    "records/transfers": "items of `TransferReport`; none after the last",
    "conflicts/list": "items of `Conflict`; none after the last",
    "conflicts/settle": NOTHING,
    "disputes/raise": "`dispute`: what it is called",
    "disputes/decide": NOTHING,
    "disputes/list": "items of `OpenDispute`; none after the last",
    "inbox/list": "items of `InboxEntry`; none after the last",
    "inbox/admit": NOTHING,
    "inbox/forward": NOTHING,
    "inbox/decline": NOTHING,
    "journal/verify": "items of `JournalReport`",
    "journal/delivered": "`SealedPage`; its `after` is the next call's, nil after the last page",
}

REPORTS = (
    AuthorityReport,
    Event,
    Incident,
    AdministratorReport,
    Practitioner,
    PractitionerReport,
    TheirDevice,
    PartitionReport,
    Preview,
    TouchedDevice,
    RecordsByWay,
    NewCode,
    DeviceReport,
    HolderReport,
    WipeReport,
    TimeCode,
    CustodyPreview,
    Aftermath,
    LossReport,
    HeldThere,
    LossRecord,
    ReachedDevice,
    PendingLikeness,
    StandingShield,
    LineVerdict,
    RecordHistory,
    ValueHistory,
    HistoricValue,
    Duplicates,
    MergePreview,
    SplitPreview,
    TransferPreview,
    TransferReport,
    Conflict,
    OpenDispute,
    Dispute,
    InboxEntry,
    JournalReport,
    SealedPage,
    SealedBox,
    SealedLookUp,
    SealedEnquiry,
)
