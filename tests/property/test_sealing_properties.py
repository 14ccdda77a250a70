"""Whatever is sealed opens again; whatever else is fed does not, and fails in one way only."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.sealing import CHUNK_BYTES, Opener, open_sealed, seal, sealed_size

KEYS = st.binary(min_size=32, max_size=32)
CONTEXTS = st.binary(max_size=64)
SALTS = st.binary(min_size=24, max_size=24)
PLAINTEXTS = st.one_of(
    st.binary(max_size=200),
    # Around the borders of chunks, where mistakes live.
    st.builds(
        lambda chunks, beside, byte: byte * max(0, chunks * CHUNK_BYTES + beside),
        st.integers(0, 3),
        st.integers(-17, 17),
        st.binary(min_size=1, max_size=1),
    ),
)


def sealed_with(salt: bytes, key: bytes, context: bytes, plaintext: bytes) -> bytes:
    return seal(key, context, plaintext, entropy=lambda size: salt[:size])


@given(KEYS, CONTEXTS, SALTS, PLAINTEXTS)
def test_what_is_sealed_opens_and_has_the_size_foretold(
    key: bytes, context: bytes, salt: bytes, plaintext: bytes
) -> None:
    sealed = sealed_with(salt, key, context, plaintext)
    assert len(sealed) == sealed_size(len(plaintext))
    assert open_sealed(key, context, sealed) == plaintext


@given(KEYS, SALTS, PLAINTEXTS, st.data())
def test_it_does_not_matter_how_the_bytes_are_cut(
    key: bytes, salt: bytes, plaintext: bytes, data: st.DataObject
) -> None:
    sealed = sealed_with(salt, key, b"", plaintext)
    cuts = data.draw(st.lists(st.integers(0, len(sealed)), max_size=6).map(sorted))
    borders = [0, *cuts, len(sealed)]
    opener = Opener(key, b"")
    pieces = [opener.feed(sealed[start:end]) for start, end in pairwise(borders)]
    assert b"".join(pieces) + opener.finish() == plaintext


@given(KEYS, SALTS, PLAINTEXTS, st.data())
def test_a_flipped_bit_is_refused(
    key: bytes, salt: bytes, plaintext: bytes, data: st.DataObject
) -> None:
    sealed = bytearray(sealed_with(salt, key, b"", plaintext))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
        open_sealed(key, b"", bytes(sealed))


@given(KEYS, SALTS, PLAINTEXTS, st.data())
def test_every_true_beginning_is_refused(
    key: bytes, salt: bytes, plaintext: bytes, data: st.DataObject
) -> None:
    sealed = sealed_with(salt, key, b"", plaintext)
    with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
        open_sealed(key, b"", sealed[: data.draw(st.integers(0, len(sealed) - 1))])


@given(KEYS, SALTS, PLAINTEXTS, st.binary(min_size=1, max_size=40))
def test_every_addition_is_refused(key: bytes, salt: bytes, plaintext: bytes, added: bytes) -> None:
    sealed = sealed_with(salt, key, b"", plaintext)
    with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
        open_sealed(key, b"", sealed + added)


@given(KEYS, CONTEXTS, CONTEXTS, SALTS)
def test_one_context_does_not_pass_for_another(
    key: bytes, context: bytes, other: bytes, salt: bytes
) -> None:
    sealed = sealed_with(salt, key, context, b"who")
    if other == context:
        assert open_sealed(key, other, sealed) == b"who"
    else:
        with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
            open_sealed(key, other, sealed)


@given(KEYS, CONTEXTS, st.binary(max_size=300))
def test_garbage_is_refused(key: bytes, context: bytes, garbage: bytes) -> None:
    with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
        open_sealed(key, context, garbage)
