"""The books of an authority in memory, and what its administrators do to them.

It seals for real, with real keys, but has no database.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from children import AUTHORITY
from device_clock import DeviceClock
from fieldward_sync.access import Order
from fieldward_sync.distribution import FileContext, FileEntry, FileKind, Manifest, seal_file
from fieldward_sync.encoding import decode
from fieldward_sync.images import Image, Segment
from fieldward_sync.invitations import Invitation
from fieldward_sync.journal import LookUp
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.leases import LeaseTerms
from fieldward_sync.messages import Trust
from fieldward_sync.outbox import open_as_authority
from fieldward_sync.records import Change, Edit, Proposal, Record, Value
from fieldward_sync.signing import public_key, sign
from fieldward_sync.time_codes import TimeStatement, read_challenge, time_code
from fieldward_sync.versions import Dot
from fieldward_sync.views import View
from fieldward_sync.ways import Way
from memory_holdings import MAX_SIGNED, HeldDevice, HeldPartition, HeldPerson, HeldRecord

SERVER = "server.1"


class MemoryBooks:
    """Everything there is of the authority, with what its administrators do to it."""

    def __init__(self, clock: DeviceClock) -> None:
        self.clock = clock
        self.root, self.answer_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.edit_seed, self.audit_seed = os.urandom(32), os.urandom(32)
        self.terms = LeaseTerms()
        self.state = 1
        self.records: dict[str, HeldRecord] = {}
        self.partitions: dict[str, HeldPartition] = {}
        self.devices: dict[str, HeldDevice] = {}
        self.files: dict[str, bytes] = {}
        self.inbox: list[tuple[Proposal, str]] = []
        self.invitations: dict[bytes, tuple[Invitation, str, set[str]]] = {}
        self.lease_refused = ""
        self.backup_begun = 0
        self.kept_until = 0
        self.trust_version = 1
        self.incarnation = 1
        self.carried_over: dict[str, int] = {}
        """How many edits each record had when the authority was restored last."""
        self._server_edits = 0

    def set_fields(self, record_id: str, fields: Mapping[str, Value]) -> None:
        """Set fields of a record, in the server's name."""
        held = self.records.setdefault(record_id, HeldRecord(Record(record_id)))
        self._server_edits += 1
        changes = tuple(
            Change(path, value, tuple(live.dot for live in held.record.live.get(path, ())))
            for path, value in fields.items()
        )
        dot = Dot(SERVER, self._server_edits)
        held.take(Edit(dot, record_id, changes, None, self.clock.true_time))
        self.record_changed(record_id)

    def partition(self, partition: str, *members: str, title: str = "") -> None:
        """Create a partition and publish it."""
        self.partitions[partition] = HeldPartition(
            partition, title or f"Team {partition}", list(members), feed=1
        )
        self.publish(partition)

    def remove(self, partition: str, record_id: str) -> None:
        """Take a record out of a partition."""
        held = self.partitions[partition]
        held.members.remove(record_id)
        held.feed += 1

    def publish(self, partition: str, *, new_image: bool = False) -> None:
        """Seal what has changed, as an image or a segment, under a new manifest."""
        held = self.partitions[partition]
        views = {each: self.records[each].view() for each in held.members}
        if held.image is None or new_image:
            with_image = Image.build(views.values())
            held.image = self._seal(held, "image", with_image.to_bytes(), feed_from=0)
            held.image_views = views
            with_image.close()
            files: tuple[FileEntry, ...] = (held.image,)
        else:
            files = (held.image, self._segment(held, views))
        held.manifest = Manifest(
            partition=partition,
            title=held.title,
            feed=held.feed,
            records=len(views),
            image_digest=held.digest(held.image_views),
            digest=held.digest(views),
            made=self.clock.true_time,
            files=files,
        )
        self.state += 1

    def publish_all(self) -> None:
        for partition in self.partitions:
            self.publish(partition)

    def invite(self, practitioner: str, *partitions: str) -> str:
        """An invitation code."""
        invitation = Invitation.new(os.urandom(11), public_key(self.root))
        self.invitations[invitation.invitation_id] = (invitation, practitioner, set(partitions))
        return invitation.code()

    def hand_over(self, device: str, practitioner: str) -> str:
        """The code that hands a device over to another practitioner, who holds the same."""
        held, granted = self.devices[device], {*self._only_one(device).granted}
        invitation = Invitation.new(os.urandom(16), public_key(self.root))
        seed = invitation.hand_over_seed(
            authority=AUTHORITY,
            device=device,
            generation=held.generation,
            practitioner=practitioner,
        )
        self.invitations[invitation.invitation_id] = (invitation, practitioner, granted)
        held.people[practitioner] = HeldPerson(
            practitioner,
            keys=[],
            granted=granted,
            hand_over_id=invitation.invitation_id,
            hand_over_key=hpke_public_key(seed),
        )
        return invitation.code()

    def take_grant(self, device: str, partition: str) -> None:
        """The device's practitioner loses a partition; its next epoch begins."""
        person = self._only_one(device)
        person.granted.remove(partition)
        person.taken.add(partition)
        self.partitions[partition].epoch += 1
        person.lease_id = b""  # the key ring has changed
        self.state += 1

    def give_grant(self, device: str, partition: str) -> None:
        person = self._only_one(device)
        person.granted.add(partition)
        person.taken.discard(partition)
        person.lease_id = b""
        self.state += 1

    def _only_one(self, device: str) -> HeldPerson:
        (person,) = self.devices[device].people.values()
        return person

    def hold(self, partition: str, way: Way) -> None:
        """Have a partition held in another way; its next epoch begins."""
        self.partitions[partition].way = way
        self.partitions[partition].epoch += 1
        for held in self.devices.values():
            for person in held.people.values():
                person.lease_id = b""  # the key ring has changed
        self.state += 1

    def order(self, device: str, kind: str) -> None:
        """Order a device to pause, resume or wipe."""
        held = self.devices[device]
        order = Order(
            authority=AUTHORITY,
            device=device,
            generation=held.generation,
            number=len(held.orders) + len(held.receipts) + 1,
            kind=kind,  # type: ignore[arg-type]  # tests name the three kinds
            issued=self.clock.true_time,
        )
        held.orders.append(sign(order, self.answer_key))

    def time_code(self, device: str, shown: str, *, generation: int = 1) -> str:
        """The code that the office gives for what a device shows."""
        challenge, now = read_challenge(shown), self.clock.true_time
        return time_code(
            TimeStatement(AUTHORITY, device, generation, challenge, now), self.answer_key
        )

    def trust(self) -> Trust:
        return Trust(
            authority=AUTHORITY,
            incarnation=self.incarnation,
            version=self.trust_version,
            issued=1,
            answer_key=public_key(self.answer_key),
            edit_key=hpke_public_key(self.edit_seed),
            audit_key=hpke_public_key(self.audit_seed),
        )

    def look_ups(self, device: str) -> list[LookUp]:
        """What the audit process reads in a device's journal."""
        held = self.devices[device]
        opened = []
        for item in held.entries:
            header = item.read_header()
            signed = held.boxes[header.box]
            _, key = held.whose(signed)
            box = open_as_authority(signed, practitioner_key=key, seed=self.audit_seed)
            body = box.open_entry(header.index, item.body)
            opened.append(decode(LookUp, body, max_bytes=MAX_SIGNED))
        return opened

    def value(self, record_id: str, path: str) -> Value:
        (live,) = self.records[record_id].record.live[path]
        return live.value

    def back_up(self) -> tuple[object, ...]:
        """A copy of what there is, to come back to."""
        self.backup_begun += 1
        return copy.deepcopy((self.records, self.partitions, self.devices, self.backup_begun))

    def restore(self, backup: tuple[object, ...]) -> None:
        """Come back to a copy, in the next incarnation."""
        kept: Any = copy.deepcopy(backup)
        self.records, self.partitions, self.devices, self.backup_begun = kept
        self.incarnation += 1
        self.trust_version += 1
        self.carried_over = {each: len(held.numbers) for each, held in self.records.items()}
        for partition in self.partitions:
            self.publish(partition, new_image=True)

    def record_changed(self, record_id: str) -> None:
        for partition in self.partitions.values():
            if record_id in partition.members:
                partition.feed += 1

    def _segment(self, held: HeldPartition, views: Mapping[str, View]) -> FileEntry:
        before = held.image_views
        changed = [view for each, view in views.items() if view != before.get(each)]
        assert held.image is not None
        with closing(Segment.build(changed, gone=before.keys() - views.keys())) as segment:
            body = segment.to_bytes()
        return self._seal(held, "segment", body, feed_from=held.image.context.feed_to)

    def _seal(
        self, held: HeldPartition, kind: FileKind, body: bytes, *, feed_from: int
    ) -> FileEntry:
        context = FileContext(
            authority=AUTHORITY,
            incarnation=self.incarnation,
            partition=held.partition,
            epoch=held.epoch,
            kind=kind,
            feed_from=feed_from,
            feed_to=held.feed,
        )
        sealed, entry = seal_file(body, context=context, key=held.key(), entropy=os.urandom)
        self.files[entry.name] = sealed
        return entry
