"""A device as ``docs/protocol.md`` has it: the least that keeps to the document.

Its state is in memory, so it promises nothing about crashes; what it sends and accepts is whole.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import urllib3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from second_implementation import http_signatures, invitations, partitions
from second_implementation.encoding import document, pack, read_document
from second_implementation.keys import (
    HybridKey,
    derive,
    encapsulate,
    hpke_open,
    hpke_seal,
    label,
    signed,
    signing_public,
    unlock_key,
    verify,
)
from second_implementation.merkle import root
from second_implementation.sealing import open_sealed, seal

MEDIA_TYPE = "application/vnd.fieldward+msgpack"
MAX_REQUEST_BYTES = 65536


class Refused(Exception):
    """A problem, with its code."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(problem["code"])
        self.code: str = problem["code"]
        self.mistakes: list[Any] = problem.get("mistakes", [])


@dataclass
class Trust:
    """The authority's keys in force."""

    version: int
    incarnation: int
    answer_key: bytes
    edit_key: bytes
    audit_key: bytes

    @classmethod
    def read(cls, signed_trust: Sequence[bytes], root_key: bytes, authority: str) -> Trust:
        payload, signature = signed_trust
        verify(root_key, signature, payload)
        named, incarnation, version, _, answer, edit, audit = read_document("trust", payload)
        assert named == authority
        return cls(version, incarnation, answer, edit, audit)


@dataclass
class Box:
    """A box that is being filled, or one to read back."""

    box_id: bytes
    header: list[bytes]
    content_key: bytes
    next_index: int = 0

    def seal_next(self, plaintext: bytes) -> tuple[int, bytes]:
        index, self.next_index = self.next_index, self.next_index + 1
        binding = hashlib.sha256(self.header[0]).digest()
        nonce = index.to_bytes(12, "big")
        return index, AESGCM(self.content_key).encrypt(nonce, plaintext, binding)


@dataclass
class Journal:
    """Entries, epochs and seals, in the order of writing."""

    device: str
    generation: int
    epoch_seed: bytes
    epoch: int = 0
    leaves: list[bytes] = field(default_factory=list)
    sealed_size: int = 0
    items: list[list[Any]] = field(default_factory=list)

    def append(self, box: Box, look_up: bytes, spent: tuple[bytes, int]) -> None:
        if ["box", box.header] not in self.items:
            self.items.append(["box", box.header])
        index, body = box.seal_next(look_up)
        header = document(
            "journal-entry",
            self.device,
            self.generation,
            len(self.leaves),
            self.epoch,
            box.box_id,
            index,
            spent,
            hashlib.sha256(body).digest(),
        )
        self.leaves.append(header)
        self.items.append(["entry", header, body])

    def close_epoch(self, now: int) -> None:
        if len(self.leaves) == self.sealed_size:
            return
        next_seed = os.urandom(32)
        closing = document(
            "journal-seal",
            self.device,
            self.generation,
            self.epoch,
            len(self.leaves),
            root(self.leaves),
            now,
            signing_public(next_seed),
        )
        self.items.append(["seal", signed(self.epoch_seed, closing)])
        self.epoch_seed, self.epoch, self.sealed_size = next_seed, self.epoch + 1, len(self.leaves)

    def due(self, sequence: int, epoch: int) -> list[list[Any]]:
        """What a server lacks that waits for this entry and this epoch's seal."""
        first = next((i for i, each in enumerate(self.items) if _is_due(each, sequence, epoch)), -1)
        if first < 0:
            return []
        due = self.items[first:]
        entries = [read_document("journal-entry", each[1]) for each in due if each[0] == "entry"]
        boxes = [each for each in self.items[:first] if each[0] == "box"]
        wanted = entries[0][4] if entries else None
        return [box for box in boxes if read_document("box", box[1][0])[5] == wanted] + due


@dataclass
class Held:
    """A partition, opened in memory."""

    manifest: list[Any]
    image: sqlite3.Connection
    changes: dict[str, list[Any] | None]

    def views(self) -> Iterator[list[Any]]:
        for view in partitions.image_views(self.image).values():
            if view[0] not in self.changes:
                yield view
        yield from (view for view in self.changes.values() if view)

    def found_by(self, beginning: str) -> Iterator[list[Any]]:
        """The records with a search key that begins so."""
        for view in partitions.found_by(self.image, beginning):
            if view[0] not in self.changes:
                yield view
        for view in filter(None, self.changes.values()):
            if any(key.startswith(beginning) for key in partitions.search_keys(view)):
                yield view


class Client:
    """One device with one practitioner, unlocked as long as it lives."""

    def __init__(self, server_url: str, signed_authority: str) -> None:
        self._http = urllib3.PoolManager(retries=False)
        self._url = server_url
        self._signed_authority = signed_authority
        self._counter = 0
        self._clock_offset = 0
        self.orders_seen = 0
        self.obeyed: dict[int, str] = {}
        self.refused: dict[tuple[int, str], bool] = {}
        self.notices: dict[bytes, list[Any]] = {}
        self.read: set[bytes] = set()
        self.access, self.suspended = "active", False
        self.wiped = False
        self.receipts: list[list[bytes]] = []
        self.partitions: dict[str, Held] = {}
        self.unsent: dict[int, tuple[Box, int, bytes]] = {}
        self.verdicts: dict[int, list[Any]] = {}
        self._kept: dict[int, tuple[Box, int, bytes]] = {}
        self._edits_made = 0
        self._query = b""
        self._held_number, self._held_incarnation, self._held_signer = 0, 0, b""
        self._manifests: list[Any] = []
        self._lease: list[Any] | None = None
        self._look_ups_used = 0
        self._ring: dict[str, tuple[bytes, dict[int, bytes]]] = {}
        self._boxes: dict[str, Box] = {}
        self._store_key = self._wrapped_store_key = b""
        self._journal_due = (0, 0)
        self._next_hpke_seed = os.urandom(32)
        self._warm_seed, self._warm_with = os.urandom(32), b""
        self._warm_ring: dict[str, tuple[bytes, dict[int, bytes]]] = {}
        self.on_line: dict[str, str] = {}
        self.lease_refused = ""

    # Enrolment

    def enrol(self, code: str, *, passphrase: str, name: str) -> None:
        """Become a device of the authority behind the code."""
        invitation = invitations.read(code)
        self._identity_seed, self._signing_seed = os.urandom(32), os.urandom(32)
        journal_seed = os.urandom(32)
        self._unlock_key = unlock_key(passphrase, os.urandom(32), os.urandom(16))
        statement = (
            invitation.invitation_id,
            signing_public(self._identity_seed),
            signing_public(self._signing_seed),
            signing_public(journal_seed),
            "file",
            name,
        )
        proof = hmac.digest(invitation.proof_key, pack(statement), "sha256")
        identity = hashlib.sha256(signing_public(self._identity_seed)).hexdigest()
        sent, status, headers, body = self._send(
            "/v1/enrol",
            document("enrol", *statement, proof),
            seed=self._identity_seed,
            key_id=f"enrol/{identity[:32]}",
        )
        if status != 200:
            raise Refused(json.loads(body))
        answer = read_document("enrolled", body)
        self.authority, self.device, self.generation, self.practitioner, root_key, trust = answer
        assert hashlib.sha256(root_key).digest()[:16] == invitation.fingerprint
        self._root_key = root_key
        self.trust = Trust.read(trust, root_key, self.authority)
        self._take_time(status, headers, body, sent)
        self.journal = Journal(self.device, self.generation, journal_seed)

    # One sync

    def sync(self, *, locked: bool = False) -> None:
        """Deliver, obey, and take what comes."""
        self.journal.close_epoch(self._now())
        answer = self._deliver(locked=locked)
        while self.receipts or self.unsent or self.journal.due(*self._journal_due):
            answer = self._deliver(locked=locked)
        if not (locked or self.wiped or self.suspended) and self.access == "active":
            self._take_lease(answer[7], answer[8])
            self._take_warm_keys(answer[7], answer[15])
            self._take_distribution(answer[9])
            self.notices = {notice[0]: notice for notice in answer[12]}
            self.read &= self.notices.keys()

    def _deliver(self, *, locked: bool) -> list[Any]:
        as_device = locked or self.wiped
        receipts = list(self.receipts)
        refused = [order for order, is_told in self.refused.items() if not is_told][:16]
        request = document(
            "sync",
            [
                self._held_incarnation or self.trust.incarnation,
                self._held_number,
                self.lease_id,
                self._look_ups_left,
                None if as_device else self._left(),
                not as_device and self._warm_with == self.lease_id != b"",
            ],
            self.trust.version,
            self.journal.due(*self._journal_due),
            len(self.journal.leaves),
            self._box_parts(),
            receipts,
            self.orders_seen,
            len(self.unsent),
            False,
            None if as_device else HybridKey.of(self._next_hpke_seed).public,
            [] if as_device else sorted(self.read),
            "file",
            [],
            None,  # its state is in memory alone: there is no folder to come back from a copy
            0,
            [list(order) for order in refused],
            None if as_device else HybridKey.of(self._warm_seed).public,
            None,  # nobody takes this device over: what comes for that is not kept
        )
        assert len(request) <= MAX_REQUEST_BYTES
        answer = read_document("synced", self._exchange(request, as_device=as_device))
        self.refused.update(dict.fromkeys(refused, True))  # told
        self._note(answer, receipts)
        return answer

    def _left(self) -> list[list[Any]]:
        """What is left of each partition: this client keeps what it holds in memory alone."""
        return [[name, *self._states(name)] for name in sorted({*self.partitions, *self._ring})]

    def _states(self, name: str) -> tuple[int, int]:
        """The state of a partition that is shown, and that of the oldest file or key of it."""
        if name not in self.partitions:
            return 0, 0
        feed, files = self.partitions[name].manifest[2], self.partitions[name].manifest[7]
        keys = self._ring[name][1] if name in self._ring else {}
        has_older_keys = bool(keys) and min(keys) < min(entry[0][3] for entry in files)
        (image,) = [entry[0][6] for entry in files if entry[0][4] == "image"]
        return feed, 0 if has_older_keys else image

    def _note(self, answer: list[Any], sent_receipts: list[list[bytes]]) -> None:
        access, journal_next, journal_epoch, edits_held, verdicts, orders, trust = answer[:7]
        if trust is not None:
            newer = Trust.read(trust, self._root_key, self.authority)
            assert newer.version > self.trust.version
            assert newer.incarnation >= self.trust.incarnation
            if newer.incarnation > self.trust.incarnation:
                self._deliver_again(edits_held)
            if newer.answer_key != self.trust.answer_key:
                self.orders_seen = 0
                self.obeyed.clear()
            self.trust = newer
        self.access, self._journal_due = access, (journal_next, journal_epoch)
        self.suspended = self.practitioner in answer[18]
        repeated = {_number(payload) for payload, _ in orders}
        self.receipts = [
            receipt
            for receipt in self.receipts
            if receipt not in sent_receipts or read_document("receipt", receipt[0])[3] in repeated
        ]
        for payload, signature in sorted(orders, key=lambda order: _number(order[0])):
            refusal = self._why_not(payload, signature)
            if refusal:
                self.refused.setdefault((_number(payload), refusal), False)
                continue
            number, kind = read_document("order", payload)[3:5]
            if number > self.orders_seen:
                self._obey(kind)
                self.obeyed[number] = kind
            if number not in {read_document("receipt", r[0])[3] for r in self.receipts}:
                self._confirm(number, kind)
        for verdict in verdicts:
            if verdict[0] in self.unsent:
                self._kept[verdict[0]] = self.unsent.pop(verdict[0])
                self.verdicts[verdict[0]] = verdict

    def _deliver_again(self, edits_held: int) -> None:
        """The server came back from a backup: what it lacks waits once more."""
        for counter in [counter for counter in self.verdicts if counter > edits_held]:
            del self.verdicts[counter]
            self.unsent[counter] = self._kept[counter]

    def _why_not(self, payload: bytes, signature: bytes) -> str:
        """Why an order is not to be obeyed; empty if it is, or was."""
        try:
            verify(self.trust.answer_key, signature, payload)
        except InvalidSignature:
            return "signature-wrong"
        if not _number(payload):
            return "order-unreadable"
        *addressed, number, kind, _ = read_document("order", payload)
        if addressed != [self.authority, self.device, self.generation]:
            return "order-misaddressed"
        if number > self.orders_seen or self.obeyed.get(number) == kind:
            return ""
        if number in self.obeyed:
            return "order-changed"
        return "" if self.wiped and kind != "wipe" else "order-stale"

    def _obey(self, kind: str) -> None:
        if kind == "wipe":
            self.wiped = True
            self._lease = None
            self._unlock_key = self._signing_seed = self._store_key = self._wrapped_store_key = b""
            self._ring.clear()
            self._boxes.clear()
            for partition in self.partitions.values():
                partition.image.close()
            self.partitions.clear()

    def _confirm(self, number: int, kind: str) -> None:
        receipt = document(
            "receipt",
            self.authority,
            self.device,
            self.generation,
            number,
            kind,
            self._now(),
            len(self.journal.leaves),
        )
        self.receipts.append(signed(self._identity_seed, receipt))
        self.orders_seen = max(number, self.orders_seen)

    def _take_lease(self, grant: list[Any] | None, refused: str) -> None:
        self.lease_refused = refused
        if grant is None:
            return
        (payload, signature), sealed = grant
        verify(self.trust.answer_key, signature, payload)
        lease = read_document("lease", payload)
        named = (lease[0], lease[1], *lease[3:6])
        assert named == (
            self.authority,
            self.trust.incarnation,
            self.device,
            self.generation,
            self.practitioner,
        )
        assert lease[6] <= lease[7] <= lease[8] <= lease[9]
        assert hashlib.sha256(sealed).digest() == lease[12]
        info = label(
            "lease-secrets",
            self.authority,
            lease[1],
            lease[2],
            self.device,
            self.generation,
            self.practitioner,
        )
        opened = hpke_open(self._next_hpke_seed, info, sealed)
        lease_secret, ring = read_document("lease-secrets", opened)
        self._open_store_key(lease_secret)
        self._lease, self._look_ups_used = lease, 0
        self._ring = {
            partition: (digest_key, dict(epochs)) for partition, digest_key, epochs in ring
        }
        self._next_hpke_seed = os.urandom(32)

    def _take_warm_keys(self, grant: list[Any] | None, sealed: bytes | None) -> None:
        """What came beside a lease, for memory alone; a client that locks forgets it."""
        if grant is None or self._lease is None:
            return
        self._warm_ring, self._warm_with = {}, self.lease_id
        if sealed is not None:
            bound_to = (*self._lease[:3], self.device, self.generation, self.practitioner)
            info = label("warm-keys", *bound_to)
            (ring,) = read_document("warm-keys", hpke_open(self._warm_seed, info, sealed))
            self._warm_ring = {partition: (key, dict(epochs)) for partition, key, epochs in ring}
        self._warm_seed = os.urandom(32)

    def _open_store_key(self, lease_secret: bytes) -> None:
        wrap = derive(
            self._unlock_key + lease_secret, "store-key-wrap", self.device, self.generation
        )
        context = label(
            "store-key", self.authority, self.device, self.generation, self.practitioner
        )
        if not self._wrapped_store_key:
            self._wrapped_store_key = seal(wrap, context, os.urandom(24), os.urandom(32))
        self._store_key = open_sealed(wrap, context, self._wrapped_store_key)

    def _take_distribution(self, signed_distribution: list[bytes] | None) -> None:
        if signed_distribution is None:
            return
        payload, signature = signed_distribution
        verify(self.trust.answer_key, signature, payload)
        found = read_document("distribution", payload)
        authority, incarnation, device, generation, practitioner, number, _, expires = found[:8]
        manifests, lost, on_line, warm = found[8:]
        assert (authority, device, generation) == (self.authority, self.device, self.generation)
        assert (incarnation, practitioner) == (self.trust.incarnation, self.practitioner)
        assert self._now() < expires
        is_newer = (incarnation, number) >= (self._held_incarnation, self._held_number)
        assert is_newer or self._held_signer != self.trust.answer_key
        self.on_line = dict(on_line)
        named = {manifest[0] for manifest in manifests} | set(lost) | self.on_line.keys()
        assert self.partitions.keys() <= named
        opened = {
            manifest[0]: self._open_partition(
                manifest, self._warm_ring if manifest[0] in warm else self._ring
            )
            for manifest in manifests
            if manifest[0] not in warm or manifest[0] in self._warm_ring
        }
        self.partitions = opened
        self._held_incarnation, self._held_number = incarnation, number
        self._held_signer = self.trust.answer_key

    def _open_partition(self, manifest: list[Any], ring: Mapping[str, Any]) -> Held:
        partition, _, _, records, image_digest, digest, _, files = manifest
        digest_key, keys = ring[partition]
        by_kind = sorted(files, key=lambda entry: (entry[0][4] != "image", entry[0][6]))
        bodies = [self._fetch(entry, keys[entry[0][3]]) for entry in by_kind]
        held = Held(manifest, partitions.open_image(bodies[0]), {})
        for body in bodies[1:]:
            held.changes |= partitions.open_segment(body)
        images = partitions.image_views(held.image).values()
        assert partitions.digest(digest_key, images) == image_digest
        views = list(held.views())
        assert partitions.digest(digest_key, views) == digest
        assert len(views) == records
        return held

    def _fetch(self, entry: list[Any], key: bytes) -> bytes:
        answer = self._http.request("GET", f"{self._url}/v1/files/{entry[1]}")
        assert answer.status == 200
        return partitions.open_file(entry, answer.data, key)

    # Work without signal

    def search(self, word: str, *, reason: str) -> list[list[Any]]:
        """The records with a name that begins so. On record before the result is given."""
        self._spend()
        beginning = "n" + partitions.fold(word)
        hits = [view for held in self.partitions.values() for view in held.found_by(beginning)]
        outcome = "shown" if hits else "nothing"
        query = os.urandom(16)
        self._log("search", outcome, reason, {"beginning": word}, hits, (), query)
        return hits

    def open(self, record_id: str, *, reason: str) -> list[Any]:
        """One record, and on record that it was opened."""
        self._spend()
        (view,) = [v for h in self.partitions.values() for v in h.views() if v[0] == record_id]
        self._log("open", "shown", reason, {}, [view], tuple(value[0] for value in view[3]))
        return view

    def enquire(self, terms: Mapping[str, str], *, reason: str) -> list[Any]:
        """What the authority's whole index has: outcome, terms to add, hits, and no record."""
        self._query = os.urandom(16)
        return self._ask(reason, self._query, terms, None)

    def open_on_line(self, record_id: str, *, reason: str) -> list[Any]:
        """One record of it, found by the last enquiry."""
        view: list[Any] = self._ask(reason, self._query, {}, record_id)[3]
        assert view[0] == record_id
        return view

    def _ask(
        self, reason: str, query: bytes, terms: Mapping[str, str], record_id: str | None
    ) -> list[Any]:
        self._require_reading()
        enquirer = (
            *(self.authority, self.trust.incarnation),
            *(self.device, self.generation, self.practitioner),
        )
        answer_seed = os.urandom(32)
        answer_key = HybridKey.of(answer_seed).public
        enquiry = document("enquiry", reason, None, query, terms, record_id, answer_key)
        shared, encapsulated = encapsulate(self.trust.edit_key, os.urandom(32))
        sealed = hpke_seal(shared, encapsulated, label("enquiry", *enquirer), enquiry)
        answer = self._exchange(
            document("enquiry-request", sealed), as_device=False, path="/v1/enquiries"
        )
        (sealed_answer,) = read_document("enquiry-answer", answer)
        info = label("enquiry-answer", *enquirer, query)
        padded = hpke_open(answer_seed, info, sealed_answer)
        found, begins, zeros = padded.rpartition(b"\x80")
        assert len(padded) in (4096, 16384, 65536, 131072)
        assert begins
        assert not any(zeros)
        return read_document("enquired", found)

    def edit(self, view: Sequence[Any], path: str, value: object, *, reason: str) -> int:
        """Replace what the view shows at a path."""
        self._edits_made += 1
        shown = sorted(number for at, number, _ in view[3] if at == path and number)
        proposal = document(
            "proposal",
            self._edits_made,
            self._held_incarnation,
            view[0],
            [[path, value, shown, []]],
            self.practitioner,
            self._now(),
            reason,
            view[1],
        )
        box = self._box("edits", self.trust.edit_key)
        index, sealed = box.seal_next(proposal)
        self.unsent[self._edits_made] = (box, index, sealed)
        return self._edits_made

    def _require_reading(self) -> None:
        assert self._lease is not None
        assert self._now() < self._lease[8]
        assert self.access in ("active", "draining")
        assert not self.suspended

    def _spend(self) -> None:
        """One look-up on this device."""
        self._require_reading()
        assert self._look_ups_left > 0
        self._look_ups_used += 1

    def _log(
        self,
        action: str,
        outcome: str,
        reason: str,
        terms: Mapping[str, str],
        views: Sequence[Sequence[Any]],
        fields: Sequence[str],
        query: bytes = b"",
    ) -> None:
        look_up = document(
            "look-up",
            action,
            outcome,
            self.practitioner,
            None,
            reason,
            self._now(),
            terms,
            [view[0] for view in views],
            fields,
            query,
        )
        spent = self.lease_id, self._look_ups_used
        self.journal.append(self._box("journal", self.trust.audit_key), look_up, spent)

    def _box(self, kind: str, authority_key: bytes) -> Box:
        if kind not in self._boxes:
            box_id, content_key = os.urandom(16), os.urandom(32)
            whose = (self.authority, self.device, self.generation, self.practitioner, kind, box_id)
            binding = label("box", *whose)
            shared, encapsulated = encapsulate(authority_key, os.urandom(32))
            for_store = (
                seal(self._store_key, binding, os.urandom(24), content_key)
                if kind == "edits"
                else b""
            )
            header = document(
                "box", *whose, hpke_seal(shared, encapsulated, binding, content_key), for_store
            )
            self._boxes[kind] = Box(box_id, signed(self._signing_seed, header), content_key)
        return self._boxes[kind]

    def _box_parts(self) -> list[list[Any]]:
        return [[box.header, index, [sealed]] for box, index, sealed in self.unsent.values()]

    # HTTP

    @property
    def lease_id(self) -> bytes:
        """Of the lease in force; empty without one."""
        return self._lease[2] if self._lease else b""

    @property
    def _look_ups_left(self) -> int:
        return self._lease[10] - self._look_ups_used if self._lease else 0

    def _exchange(self, request: bytes, *, as_device: bool, path: str = "/v1/sync") -> bytes:
        role = "device" if as_device else self.practitioner
        sent, status, headers, body = self._send(
            path,
            request,
            seed=self._identity_seed if as_device else self._signing_seed,
            key_id=f"{self.authority}/{self.device}/{self.generation}/{role}",
        )
        self._take_time(status, headers, body, sent)
        if status != 200:
            raise Refused(json.loads(body))
        return body

    def _send(
        self, path: str, body: bytes, *, seed: bytes, key_id: str
    ) -> tuple[str, int, dict[str, str], bytes]:
        self._counter += 1
        headers = http_signatures.sign_request(
            seed,
            key_id=key_id,
            method="POST",
            authority=self._signed_authority,
            path=path,
            query="",
            body=body,
            counter=self._counter,
            created=self._now(),
        )
        answer = self._http.request(
            "POST",
            self._url + path,
            body=body,
            headers={"Content-Type": MEDIA_TYPE, "Accept-Encoding": "identity", **headers},
            redirect=False,
        )
        names = {name.lower(): value for name, value in answer.headers.items()}
        return headers["signature"], answer.status, names, answer.data

    def _take_time(
        self, status: int, headers: Mapping[str, str], body: bytes, request_signature: str
    ) -> None:
        server_time = http_signatures.verify_answer(
            headers,
            status=status,
            body=body,
            request_signature=request_signature,
            key_id=f"{self.authority}/answer",
            public_key=self.trust.answer_key,
        )
        self._clock_offset = server_time - int(time.time())

    def _now(self) -> int:
        return int(time.time()) + self._clock_offset


def _number(payload: bytes) -> int:
    """The number that an order says it has; 0 where there is none to read."""
    try:
        number = read_document("order", payload)[3]
    except (ValueError, IndexError):
        return 0
    return number if isinstance(number, int) else 0


def _is_due(item: list[Any], sequence: int, epoch: int) -> bool:
    if item[0] == "entry":
        return bool(read_document("journal-entry", item[1])[2] >= sequence)
    if item[0] == "seal":
        return bool(read_document("journal-seal", item[1][0])[2] >= epoch)
    return False
