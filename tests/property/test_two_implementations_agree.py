"""Fieldward's code and the second implementation, which knows only the document, on any values."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from itertools import accumulate
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import second_implementation.encoding as second_encoding
import second_implementation.http_signatures as second_http
import second_implementation.invitations as second_invitations
import second_implementation.keys as second_keys
import second_implementation.merkle as second_merkle
import second_implementation.partitions as second_partitions
import second_implementation.sealing as second_sealing
from fieldward_sync import digest, http_signatures, invitations, keys, sealing
from fieldward_sync.disputes import disputes_in
from fieldward_sync.distribution import FileContext, seal_file
from fieldward_sync.encoding import pack
from fieldward_sync.images import Image
from fieldward_sync.merkle import Frontier, leaf_hash
from fieldward_sync.records import Value
from fieldward_sync.signing import signing_key
from fieldward_sync.views import View, ViewValue

seeds = st.binary(min_size=32, max_size=32)
values: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=300)
    | st.binary(max_size=300),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=40,
)
sizes = st.sampled_from([0, 1, 16_383, 16_384, 16_385, 40_000])
names = st.text(st.characters(categories=("L", "M", "P", "Zs")), max_size=30)


@given(values)
def test_a_value_has_the_same_bytes_in_both(value: Any) -> None:
    packed = pack(value)
    assert second_encoding.pack(value) == packed
    assert second_encoding.unpack(packed) == value


@given(seeds, st.binary(max_size=80), sizes)
@settings(max_examples=30)
def test_what_one_seals_the_other_opens(key: bytes, context: bytes, size: int) -> None:
    plaintext = os.urandom(size)
    ours = sealing.seal(key, context, plaintext, entropy=os.urandom)
    theirs = second_sealing.seal(key, context, os.urandom(24), plaintext)
    assert second_sealing.open_sealed(key, context, ours) == plaintext
    assert sealing.open_sealed(key, context, theirs) == plaintext


@given(seeds, st.binary(max_size=80), st.binary(max_size=80))
@settings(max_examples=30)
def test_what_one_seals_to_a_public_key_the_other_opens(
    seed: bytes, info: bytes, plaintext: bytes
) -> None:
    public = keys.hpke_public_key(seed)
    assert second_keys.HybridKey.of(seed).public == public
    ours = keys.hpke_seal(public, info=info, plaintext=plaintext)
    assert second_keys.hpke_open(seed, info, ours) == plaintext
    shared, encapsulated = second_keys.encapsulate(public, os.urandom(32))
    theirs = second_keys.hpke_seal(shared, encapsulated, info, plaintext)
    assert keys.hpke_open(seed, info=info, sealed=theirs) == plaintext


@given(seeds, st.binary(max_size=80), st.integers(0, 10**15 - 1), st.integers(0, 10**15 - 1))
@settings(max_examples=30)
def test_a_request_and_its_answer_have_the_same_headers(
    seed: bytes, body: bytes, counter: int, created: int
) -> None:
    told: dict[str, Any] = {
        "key_id": "E08000039/d-1/1/device",
        "method": "POST",
        "authority": "fieldward.example",
        "path": "/v1/sync",
        "query": "",
        "body": body,
        "counter": counter,
        "created": created,
    }
    request = http_signatures.sign_request(key=signing_key(seed), **told)
    assert second_http.sign_request(seed, **told) == request
    answered: dict[str, Any] = {
        "key_id": "E08000039/answer",
        "status": 200,
        "body": body,
        "now": created,
        "request_signature": request["signature"],
    }
    answer = http_signatures.sign_answer(key=signing_key(seed), **answered)
    assert second_http.sign_answer(seed, **answered) == answer


@given(st.lists(st.binary(max_size=40), max_size=40))
@settings(max_examples=50)
def test_a_tree_has_the_same_root(leaves: list[bytes]) -> None:
    frontier = Frontier.empty()
    for leaf in leaves:
        frontier = frontier.append(leaf_hash(leaf))
    assert frontier.root() == second_merkle.root(leaves)
    assert list(frontier.peaks) == second_merkle.peaks(leaves)


@given(st.sampled_from([11, 16]), st.binary(min_size=27, max_size=27))
def test_a_code_reads_the_same(secret_bytes: int, carried: bytes) -> None:
    secret, fingerprint = carried[:secret_bytes], carried[secret_bytes:]
    ours = invitations.Invitation(secret, fingerprint)
    theirs = second_invitations.read(ours.code())
    assert second_invitations.make(secret, fingerprint) == ours.code()
    assert (theirs.invitation_id, theirs.proof_key) == (ours.invitation_id, ours.proof_key)


@given(seeds, seeds, st.dictionaries(st.text("abc123-", min_size=1, max_size=9), names, max_size=5))
@settings(max_examples=30, deadline=None)
def test_an_image_of_ours_is_read_searched_and_counted_by_the_other(
    key: bytes, digest_key: bytes, families: dict[str, str]
) -> None:
    views = [_view(record_id, family) for record_id, family in families.items()]
    with closing(Image.build(views)) as image:
        body = image.to_bytes()
    context = FileContext("E08000039", 1, "p", 1, "image", 0, 7)
    sealed, entry = seal_file(body, context=context, key=key, entropy=os.urandom)
    listed = second_encoding.unpack(pack(entry))
    with closing(
        second_partitions.open_image(second_partitions.open_file(listed, sealed, key))
    ) as read:
        shown = second_partitions.image_views(read)
        keys_of = {number: set[str]() for number in shown}
        for search_key, records in read.execute("SELECT key, records FROM search_key"):
            for number in accumulate(second_encoding.unpack(records)):
                keys_of[number].add(search_key)
    assert keys_of == {
        number: second_partitions.search_keys(view) for number, view in shown.items()
    }
    total = digest.EMPTY
    for view in views:
        element = digest.element(digest_key, view.record_id, view.revision, view.to_bytes())
        total = digest.added(total, element)
    assert second_partitions.digest(digest_key, list(shown.values())) == total
    assert listed[1] == hashlib.sha256(sealed).hexdigest()


sides = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["born", "address"]),
        "since": st.sampled_from(["2026-01-05", "2026-02-06"]),
        "by": st.sampled_from(["subject", "carer"]),
    },
    optional={"outcome": st.just("upheld"), "ended": st.just("2026-03-07")},
)


@given(st.dictionaries(st.text("ab1", min_size=1, max_size=4), sides, max_size=5))
def test_what_is_disputed_reads_the_same(members: dict[str, dict[str, str]]) -> None:
    held = {
        f"disputes/{member}.{name}": value
        for member, said in members.items()
        for name, value in said.items()
    }
    view = View("r-1", 1, False, tuple(ViewValue(p, 1, v) for p, v in sorted(held.items())))
    ours: dict[str, list[tuple[str, str, str, str]]] = {}
    for each in disputes_in(held):
        ours.setdefault(each.path, []).append((each.since, each.by, each.outcome, each.ended))
    assert second_partitions.disputes(second_encoding.unpack(view.to_bytes())) == ours


def _view(record_id: str, family: str) -> View:
    held: dict[str, Value] = {
        "address": {"kind": "current", "lines": [f"1 {family} Street"], "postcode": "M14 5AB"},
        "born": "2021-03-04",
        "carers/c1.family": family,
        "disputes/d1.by": "carer",
        "disputes/d1.path": "name.family",
        "disputes/d1.since": "2026-01-05",
        "name.family": family,
        "name.given": None,
        "nhs_number": "9990000018",
        "school.name": f"{family} School",
    }
    return View(record_id, 1, False, tuple(ViewValue(p, 1, v) for p, v in held.items()))
