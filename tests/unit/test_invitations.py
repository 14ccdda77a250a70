"""The invitation code: typed by hand, checked before it is used (V3)."""

from __future__ import annotations

import pytest

from fieldward_sync.errors import CallerMistake
from fieldward_sync.invitations import CODE_CHARACTERS, Invitation, fingerprint, read_code

INVITATION = Invitation(secret=bytes(range(11)), root_fingerprint=fingerprint(b"k" * 32))


def test_a_code_says_what_the_invitation_says() -> None:
    assert read_code(INVITATION.code()) == INVITATION


def test_a_code_is_short_enough_to_read_aloud() -> None:
    assert len(INVITATION.code().replace("-", "")) == CODE_CHARACTERS


def test_case_blanks_and_lookalikes_are_forgiven() -> None:
    typed = INVITATION.code().lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read_code(f"  {typed}\n") == INVITATION


def test_every_single_wrong_character_is_noticed() -> None:
    code = INVITATION.code().replace("-", "")
    for place, character in enumerate(code):
        other = "X" if character != "X" else "Y"
        with pytest.raises(CallerMistake) as refusal:
            read_code(code[:place] + other + code[place + 1 :])
        assert refusal.value.code == "code-mistyped"


@pytest.mark.parametrize("typed", ["", "ABC", "U" * CODE_CHARACTERS, "é" * CODE_CHARACTERS])
def test_what_cannot_be_a_code_is_refused(typed: str) -> None:
    with pytest.raises(CallerMistake) as refusal:
        read_code(typed)
    assert refusal.value.code == "code-mistyped"


def test_the_server_learns_neither_secret_nor_proof_key_from_the_id() -> None:
    assert len({INVITATION.secret, INVITATION.invitation_id, INVITATION.proof_key}) == 3
