"""Codes in groups, as they are read out and typed: a slip is found in its group."""

from __future__ import annotations

import pytest

from fieldward_sync.errors import CallerMistake
from fieldward_sync.spoken import check_groups, in_groups, read_groups

RAW = bytes(range(200, 220))
CODE = in_groups(RAW)


def refusal(typed: str) -> CallerMistake:
    with pytest.raises(CallerMistake) as refused:
        read_groups(typed, size=len(RAW))
    assert refused.value.code == "code-mistyped"
    return refused.value


def test_what_was_written_is_read_with_case_blanks_hyphens_and_lookalikes_forgiven() -> None:
    assert read_groups(CODE, size=len(RAW)) == RAW
    typed = CODE.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read_groups(f" {typed}\n", size=len(RAW)) == RAW


def test_every_single_wrong_character_is_found_in_its_group() -> None:
    for place, character in enumerate(CODE):
        for other in set("0123456789ABCDEFGHJKMNPQRSTVWXYZU") - {character, "-"}:
            if character != "-":
                wrong = CODE[:place] + other + CODE[place + 1 :]
                assert refusal(wrong).message.endswith(f"group {place // 6 + 1}.")


def test_two_groups_that_changed_places_are_both_found() -> None:
    groups = CODE.split("-")
    groups[1], groups[4] = groups[4], groups[1]
    assert refusal("-".join(groups)).message.endswith("groups 2, 5.")


def test_what_is_left_out_or_added_is_told_from_where_on() -> None:
    assert refusal(CODE[:13] + CODE[14:]).message == "From group 3 on it is not as it was written."
    assert refusal(CODE[:-6]).message == "5 characters are missing at the end."
    assert refusal(CODE + "7").message == "There are 1 characters too many at the end."
    assert refusal("").message == "40 characters are missing at the end."


def test_some_of_the_groups_are_checked_at_their_places() -> None:
    groups = CODE.split("-")
    assert check_groups(" ".join(groups[4:6]), range(4, 6)) == tuple(groups[4:6])
    with pytest.raises(CallerMistake, match="groups 1, 2"):
        check_groups(" ".join(groups[4:6]), range(2))
