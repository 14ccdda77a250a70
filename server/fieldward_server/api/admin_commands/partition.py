"""``partition``: which records are held together, how, and under which key."""

from __future__ import annotations

from fieldward_server.api.admin_commands.shared_fields import PARTITION
from fieldward_server.api.command_fields import many, one_of, text
from fieldward_server.api.commands import Call, Command, answered_by, carried_out_by
from fieldward_server.services.distribution.key_epochs import renew_partition_key
from fieldward_server.services.distribution.partitions import (
    create_partition,
    list_partitions,
    preview_rules,
)
from fieldward_server.services.distribution.rescoping import change_partition
from fieldward_server.services.distribution.sealing import seal_authority
from fieldward_server.services.distribution.ways import preview_way, set_way
from fieldward_sync.ways import Way

MAX_RULES = 100

_RULES = {"rules": many(text(), most=MAX_RULES)}
_WAY = {"way": one_of(tuple(way.value for way in Way))}


def _seal(call: Call) -> object:
    return {"files": seal_authority(call.platform, call.authority, now=call.now)}


COMMANDS = {
    "partition/create": Command(
        "Make a partition of the records that any of its rules chooses",
        carried_out_by(create_partition, gives="records"),
        {**PARTITION, "title": text(), **_RULES},
        about=("partition",),
    ),
    "partition/change": Command(
        "Have other rules choose a partition's records",
        carried_out_by(change_partition, gives="records"),
        {**PARTITION, **_RULES},
        about=("partition",),
    ),
    "partition/preview": Command(
        "What it would touch to make a partition by these rules, or to change one",
        answered_by(preview_rules),
        {**PARTITION, **_RULES},
        about=("partition",),
    ),
    "partition/way": Command(
        "How devices hold a partition: offline, warm or tethered",
        carried_out_by(set_way),
        {**PARTITION, **_WAY},
        about=("partition", "way"),
    ),
    "partition/preview-way": Command(
        "What it would touch to have a partition held in a way",
        answered_by(preview_way),
        {**PARTITION, **_WAY},
        about=("partition", "way"),
    ),
    "partition/renew-key": Command(
        "Begin a partition's next key epoch now",
        carried_out_by(renew_partition_key),
        PARTITION,
        about=("partition",),
    ),
    "partition/list": Command(
        "The authority's partitions, their files and holders",
        answered_by(list_partitions),
        {},
    ),
    "partition/seal": Command(
        "Bring the authority's sealed files up to date now",
        _seal,
        {},
    ),
}
