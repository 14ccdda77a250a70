"""Access states, their moves, and orders that only their addressee obeys (V6, P36)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_sync.access import (
    MOVES,
    RIGHTS,
    WIPE_MOVES,
    Access,
    Order,
    WipeState,
    open_order,
    require_move,
)
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.signing import Signed, public_key, sign

KEY = Ed25519PrivateKey.generate()
WIPE = Order("E08000039", "d-1", 1, 7, "wipe", 1_000)


def open_here(signed: Signed, *, device: str = "d-1", generation: int = 1) -> Order:
    return open_order(
        signed,
        public_key(KEY),
        authority="E08000039",
        device=device,
        generation=generation,
    )


def test_every_state_has_rights_and_moves() -> None:
    assert set(RIGHTS) == set(MOVES) == set(Access)
    assert set(WIPE_MOVES) == set(WipeState)


def test_nobody_returns_from_being_revoked() -> None:
    for state in Access:
        with pytest.raises(CallerMistake) as refusal:
            require_move(MOVES, Access.REVOKED, state)
        assert refusal.value.code == "no-such-move"


def test_a_wipe_that_was_seen_is_never_undone_by_a_move() -> None:
    assert WIPE_MOVES[WipeState.DONE] == frozenset()
    assert WIPE_MOVES[WipeState.SEEN] == {WipeState.DONE}
    assert all(WipeState.NONE not in moves for moves in WIPE_MOVES.values())


def test_an_order_reaches_the_device_it_is_meant_for() -> None:
    assert open_here(sign(WIPE, KEY)) == WIPE


def test_a_forged_order_is_refused() -> None:
    with pytest.raises(PeerBrokeProtocol) as refusal:
        open_here(sign(WIPE, Ed25519PrivateKey.generate()))
    assert refusal.value.code == "signature-wrong"


@pytest.mark.parametrize("elsewhere", [{"device": "d-2"}, {"generation": 2}], ids=str)
def test_an_order_for_another_device_or_generation_is_refused(elsewhere: dict[str, str]) -> None:
    with pytest.raises(PeerBrokeProtocol) as refusal:
        open_here(sign(WIPE, KEY), **elsewhere)  # type: ignore[arg-type]  # a table of one call
    assert refusal.value.code == "order-misaddressed"


def test_an_order_changed_after_signing_is_refused() -> None:
    signed = sign(WIPE, KEY)
    with pytest.raises(PeerBrokeProtocol):
        open_here(Signed(signed.payload.replace(b"wipe", b"pipe"), signed.signature))
