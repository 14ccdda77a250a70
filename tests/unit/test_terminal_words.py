"""What the terminal says of times, values and where a device stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest
from rich.text import Text

from fieldward_client import (
    CallerMistake,
    LeaseState,
    LeaseStatus,
    PassphraseStatus,
    Status,
    Value,
)
from fieldward_client.terminal.header import ATTENTION, GOOD, QUIET, URGENT, copys_end, header
from fieldward_client.terminal.hit_list import in_or, why
from fieldward_client.terminal.terms import FURTHER, USUAL
from fieldward_client.terminal.wording import (
    FLAGS,
    as_postcode,
    in_words,
    moment,
    read_value,
    refusal_in_words,
    span,
)
from fieldward_sync.errors import Error
from fieldward_sync.field_classes import FIELD_RULES
from fieldward_sync.matching.comparison import FIELDS
from fieldward_sync.matching.levels import LEVELS, Level
from fieldward_sync.matching.query import Query, Terms
from fieldward_sync.schema import check_value

NOON = 1_800_014_400  # Friday 15 January 2027, 12:00 UTC
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def lease(
    left: int, state: LeaseState | None = LeaseState.ACTIVE, *, look_ups_left: int = 500
) -> LeaseStatus:
    """A lease of 72 hours that closes in so many seconds."""
    closes = NOON + left
    return LeaseStatus(
        state=state,
        issued=closes - 72 * HOUR,
        warns=closes - 18 * HOUR,
        closes=closes,
        destroys=closes + 11 * DAY,
        counts_down=left <= 36 * HOUR,
        seconds_left=left if state is not None else None,
        look_ups=500,
        look_ups_left=look_ups_left,
    )


READY = Status(
    authority="E08000039",
    device="d-1",
    generation=1,
    practitioner="p-17",
    locked=False,
    wiped=False,
    access="active",
    suspended=False,
    now=NOON,
    lease=lease(2 * DAY + 4 * HOUR),
    passphrase=PassphraseStatus(wrong=0, left=10, wait_seconds=0),
    last_tried=NOON,
    last_complete=NOON,
    pending_edits=0,
    pending_edits_of_others=0,
    refused_edits=0,
    lost_edits=0,
    conflicts=0,
    notices=0,
    partitions=(),
    look_ups=7,
    room_left=10**9,
    hand_over_until=None,
    look_ups_delivered=7,
    pending_look_ups=0,
)


def lines(status: Status) -> list[str]:
    return [line.plain for line in header(status)]


def style_of(line: Text, words: str) -> str:
    """The style in which some words of a line are printed."""
    at = line.plain.index(words)
    inside = [str(span.style) for span in line.spans if span.start <= at < span.end]
    return inside[-1] if inside else str(line.style)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 min"),
        (2 * HOUR, "2 h"),
        (2 * HOUR + 5 * 60, "2 h 5 min"),
        (2 * DAY + 4 * HOUR + 59 * 60, "2 d 4 h"),
        (3 * DAY + 20 * 60, "3 d"),
    ],
)
def test_a_length_of_time_is_told_by_its_two_largest_units(seconds: int, told: str) -> None:
    assert span(seconds) == told


def test_a_time_within_a_week_is_a_weekday_and_one_further_off_has_its_date() -> None:
    assert moment(NOON + 6 * HOUR, now=NOON) == "Fri 18:00"
    assert moment(NOON - 8 * DAY, now=NOON) == "Thu 7 Jan 2027 12:00"


def test_the_header_says_when_the_copy_ends_how_old_it_is_and_that_all_is_sent() -> None:
    """P11, P26"""
    assert lines(READY) == [
        "Your copy ends Sun 16:00 (2 d 4 h)",
        "Synced just now · Everything sent",
    ]


def test_who_is_suspended_is_told_so_and_of_no_copy() -> None:  # A4
    said = lines(replace(READY, suspended=True))
    assert said[0].startswith("You are suspended: nothing can be read in your name until")
    assert not any("Your copy" in line for line in said)


def test_a_disk_that_is_nearly_full_is_told_before_nothing_can_be_looked_up() -> None:
    """P34."""
    assert not any("disk" in line for line in lines(READY))
    told = [line for line in lines(replace(READY, room_left=7_400_000)) if "disk" in line]
    assert told == [
        "The disk is nearly full (7 MB left): make room, or nothing new comes, and before long "
        "nothing can be looked up."
    ]
    assert not any("disk" in line for line in lines(replace(READY, room_left=0, wiped=True)))


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (51, []),
        (50, ["50 look-ups left. Sync for more."]),
        (1, ["1 look-up left. Sync for more."]),
        (0, ["No look-ups are left: sync before you search or open again."]),
    ],
)
def test_in_their_last_tenth_the_header_says_how_many_look_ups_are_left(
    left: int, told: list[str]
) -> None:
    assert lines(replace(READY, lease=lease(DAY, look_ups_left=left)))[1:-1] == told


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (PassphraseStatus(1, 9, 0), "1 wrong passphrase: 9 more shut your copy until a sync."),
        (
            PassphraseStatus(7, 3, 900),
            "7 wrong passphrases: 3 more shut your copy until a sync; "
            "the next can be tried in 15 min.",
        ),
        (
            PassphraseStatus(10, 0, 0),
            "10 wrong passphrases: your copy is shut until the right one and a sync.",
        ),
    ],
)
def test_whoever_types_next_is_told_of_wrong_passphrases(
    found: PassphraseStatus, told: str
) -> None:
    """V7"""
    assert told in lines(replace(READY, passphrase=found))


def test_the_last_try_is_not_told_as_the_last_complete_sync() -> None:
    """P16"""
    status = replace(READY, last_complete=NOON - DAY, last_tried=NOON - 5 * 60)
    assert lines(status)[1].startswith("Synced 1 d ago · last tried 5 min ago")
    assert "Never synced in full" in lines(replace(READY, last_complete=None))[1]


@pytest.mark.parametrize(
    ("status", "says", "never"),
    [
        (replace(READY, pending_edits=1), "1 edit waits to be sent", "Everything sent"),
        (replace(READY, pending_edits=2), "2 edits wait to be sent", "Everything sent"),
        (replace(READY, pending_look_ups=4), "All edits sent", "Everything sent"),
        (
            replace(READY, pending_edits_of_others=2),
            "All of your edits sent · 2 edits wait of others here",
            "verything",
        ),
        (replace(READY, refused_edits=1), "1 edit refused: see pending", "waits"),
        (replace(READY, conflicts=2), "2 children in conflict", "1 child"),
    ],
)
def test_everything_sent_is_said_only_when_nothing_waits(
    status: Status, says: str, never: str
) -> None:
    """P12"""
    assert says in lines(status)[1]
    assert never not in lines(status)[1]


def test_what_waits_is_grey_and_only_what_somebody_must_see_to_is_amber() -> None:
    *_, line = header(replace(READY, pending_edits=2, refused_edits=1))
    assert style_of(line, "2 edits wait") == QUIET
    assert style_of(line, "1 edit refused") == ATTENTION
    *_, line = header(READY)
    assert style_of(line, "Everything sent") == GOOD


@pytest.mark.parametrize(
    ("held", "now", "says", "style"),
    [
        (lease(DAY), NOON, "Your copy ends Sat 12:00 (1 d)", ""),
        (lease(18 * HOUR, LeaseState.WARNING), NOON, "Sync before then, or it closes.", ATTENTION),
        (lease(7 * HOUR, LeaseState.WARNING), NOON, "(7 h). Sync before then", URGENT),
        (lease(-HOUR, LeaseState.EXPIRED), NOON, "Your copy closed Fri 11:00.", ATTENTION),
        (lease(-HOUR, LeaseState.EXPIRED), NOON, "what you typed is kept", ATTENTION),
        (lease(-12 * DAY, LeaseState.DESTROYED), NOON, "keys have been erased", ATTENTION),
        (lease(DAY, None), None, "The clock is not trusted", ATTENTION),
        (None, NOON, "There is no copy here to read", ATTENTION),
    ],
)
def test_each_state_of_the_lease_says_what_happens_next(
    held: LeaseStatus | None, now: int | None, says: str, style: str
) -> None:
    """V4, and requirements §3 5.1 (10): a warning at a quarter and at a tenth of its time."""
    line = copys_end(held, now)
    assert says in line.plain
    assert str(line.style) == style


@pytest.mark.parametrize("access", ["paused", "draining", "revoked"])
def test_what_an_administrator_has_decided_stands_first(
    access: Literal["paused", "draining", "revoked"],
) -> None:
    first, *_ = header(replace(READY, access=access))
    assert "administrator" in first.plain or "replaced" in first.plain
    assert str(first.style) == ATTENTION


def test_whoevers_device_was_ended_is_not_told_to_sync() -> None:
    ended = lines(replace(READY, access="revoked", lease=None))
    assert not any("sync while" in line for line in ended)


@pytest.mark.parametrize("typed", ["M14 5AB", "m145ab", " m14  5ab "])
def test_a_postcode_may_be_typed_anyhow(typed: str) -> None:
    assert as_postcode(typed) == "M14 5AB"


def test_a_refusal_is_told_in_words_and_its_code_where_only_support_can_use_it() -> None:
    assert refusal_in_words("revoked") == "this device was ended"
    assert refusal_in_words("dot-reused") == "dot-reused"


def test_a_wiped_device_has_no_copy_to_speak_of() -> None:
    first, *others = lines(replace(READY, wiped=True, lease=None))
    assert "was wiped" in first
    assert not any("copy" in line for line in others)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "(removed)"),
        (True, "yes"),
        ("07700 900123", "07700 900123"),
        ({"kind": "current", "lines": ["1 High St"], "postcode": "M14 5AB"}, "1 High St, M14 5AB"),
        ({"kind": "last-known", "lines": ["1 High St"]}, "last known: 1 High St"),
        ({"kind": "no-known-address"}, "no known address"),
        (
            {"kind": "left-england", "intends_return": "unknown"},
            "left England, return within three years: unknown",
        ),
    ],
)
def test_a_value_is_told_in_words(value: Value, told: str) -> None:
    """D3: an absence of address is told as what it is."""
    assert in_words(value) == told


def takes_a_flag(pattern: str) -> bool:
    try:
        check_value(pattern.replace("*", "a1"), True)
    except Error:
        return False
    return True


def test_the_fields_typed_as_yes_or_no_are_those_the_schema_says() -> None:
    assert {pattern for pattern in FIELD_RULES if takes_a_flag(pattern)} == FLAGS
    assert read_value("involvements/a1.lead", "Yes") is True
    with pytest.raises(CallerMistake, match="not-yes-or-no"):
        read_value("assessment_exists", "maybe")


@pytest.mark.parametrize(
    ("path", "typed", "meant"),
    [
        ("born", "4/3/2021", "2021-03-04"),
        ("involvements/a1.since", "04.03.2021", "2021-03-04"),
        ("carers/c1.phone", "07700-900 123", "07700 900 123"),
        ("nhs_number", "999 190-3984", "9991903984"),
        ("name.family", "Owen-Smith", "Owen-Smith"),
    ],
)
def test_a_day_and_a_number_may_be_typed_as_they_are_spoken(
    path: str, typed: str, meant: str
) -> None:
    assert read_value(path, typed) == meant


@pytest.mark.parametrize("typed", ["31/2/2021", "3/2021", "last spring"])
def test_what_is_no_whole_day_is_left_as_it_was_typed(typed: str) -> None:
    assert read_value("born", typed) == typed


def takes(path: str, value: str) -> bool:
    try:
        check_value(path, value)
    except Error:
        return False
    return True


def test_every_day_of_a_record_may_be_typed_day_first() -> None:
    paths = [pattern.replace("*", "a1") for pattern in FIELD_RULES]
    days = [path for path in paths if takes(path, "2021-03-04") and not takes(path, "2021")]
    assert len(days) > 5
    assert {read_value(day, "4/3/2021") for day in days} == {"2021-03-04"}


def test_an_address_is_typed_as_json_or_not_at_all() -> None:
    assert read_value("address", '{"kind": "no-known-address"}') == {"kind": "no-known-address"}
    with pytest.raises(CallerMistake, match="not-an-address"):
        read_value("address", "1 High Street")


# --- Hits ---


@pytest.mark.parametrize("term", [*Terms.__annotations__, "order"])
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.value)
def test_why_a_hit_is_one_is_told_in_plain_words_and_only_where_it_is_not_exact(
    term: str, level: Level
) -> None:
    if term in FIELDS and level not in FIELDS[term]:
        return
    told = why({term: level.value})
    if level is Level.EXACT or (term, level) == ("beginning", Level.BEGINNING):
        assert told == []
    else:
        assert len(told) == 1
        assert level.value not in told[0] or "-" not in level.value
        assert "{" not in told[0]


def test_what_to_add_is_told_in_words_for_every_term_that_may_be_asked_for() -> None:
    add = [*Query(age="5", postcode="M14").narrower(), *Query(beginning="ok").narrower()]
    assert in_or(add) == (
        "the given name, the family name, the whole birth date, the NHS number or more letters"
    )
    assert in_or(["postcode"]) == "the postcode"


def test_every_term_of_a_search_is_an_option_and_a_question() -> None:
    """All but what is typed on and on: that is --typing."""
    names = {name.replace("-", "_") for name in USUAL | FURTHER}
    assert names == Terms.__annotations__.keys() - {"beginning"}
