"""What a search comes to, as a person reads it: who may be meant, why, and what to do if nobody.

No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from fieldward_client import Answer, Hit, Hits, Status, Unsearched, Way
from fieldward_client.terminal.card import as_at
from fieldward_client.terminal.header import ATTENTION, QUIET
from fieldward_client.terminal.printing import table, whole
from fieldward_client.terminal.wording import many

MAX_NAMED = 3
"""Look-alikes of one hit that are named by their numbers."""

_CALLED = {
    "family": "family name",
    "given": "given name",
    "former": "former name",
    "beginning": "name",
    "born": "birth date",
    "nhs_number": "NHS number",
}
"""Terms that are not called what their option is."""

_EXPECTED = frozenset({"exact"})
_WHY = {
    "known-spelling": "{} in another form",
    "part": "part of the {} fits",
    "sounds-alike": "{} sounds alike",
    "one-slip": "{} one letter off",
    "beginning": "{} begins alike",
    "similar": "{} similar",
    "one-in-common": "one word of the {} fits",
    "different": "{} differs",
}
_WHY_OF_A_TERM = {
    ("order", "swapped"): "names the other way round",
    ("order", "former"): "a former name",
    ("beginning", "beginning"): "",
    ("born", "swapped"): "day and month swapped",
    ("born", "one-slip"): "birth date nearly right",
    ("born", "similar"): "birth date partly right",
    ("age", "one-slip"): "age a year off",
    ("postcode", "similar"): "another postcode of the district",
}
_ADD = {
    "given": "the given name",
    "family": "the family name",
    "born": "the whole birth date",
    "postcode": "the postcode",
    "nhs_number": "the NHS number",
    "beginning": "more letters",
}


_UNSEARCHED = {
    "on-line-only": "on line only: {}. Ask with fieldward field enquire",
    "until-sync": "it opens once a sync has brought its keys: {}",
}


def told(hits: Hits, status: Status) -> Iterator[RenderableType]:
    """The answer, and every hit with what does not agree exactly."""
    match hits.answer:
        case Answer.SHOWN:
            yield from _listed(hits, status)
        case Answer.TOO_MANY:
            yield Text("Too many fit, so none is listed.", "bold")
            yield Text(f"Add {in_or(hits.add)}.")
        case Answer.NOT_ON_THIS_DEVICE:
            yield from _not_here(status)
        case Answer.NO_SUCH_CHILD:
            yield Text(f"There is no such child in the index of {status.authority}.", "bold")
            yield Text(
                "Searched was the whole index, as far as you may see it. Leave out what you are "
                "least sure of, and try once more."
            )
    yield from (_unsearched(each) for each in hits.unsearched)


def why(agreement: Mapping[str, str]) -> list[str]:
    """What does not agree exactly, in words."""
    differing = ((term, level) for term, level in agreement.items() if level not in _EXPECTED)
    words = (
        _WHY_OF_A_TERM[term, level]
        if (term, level) in _WHY_OF_A_TERM
        else _WHY.get(level, level).format(_CALLED.get(term, term))
        for term, level in differing
    )
    return [each for each in words if each]


def in_or(add: Sequence[str]) -> str:
    """Terms that would tell too many apart: ``the given name, the postcode or the NHS number``."""
    *others, last = [_ADD.get(term, term) for term in add] or ["more"]
    return f"{', '.join(others)} or {last}" if others else last


def _listed(hits: Sequence[Hit], status: Status) -> Iterator[RenderableType]:
    look_alikes = _look_alikes(hits)
    yield _table(hits, look_alikes)
    if any(look_alikes.values()):
        yield Text("Some are alike: compare given name, birth date and area.", ATTENTION)
    yield as_at(min(hit.as_at for hit in hits), status)


def _table(hits: Sequence[Hit], look_alikes: Mapping[int, Sequence[int]]) -> Table:
    rows = (
        (
            Text(str(number), QUIET),
            Text(f"{hit.family}, {hit.given}", style="bold"),
            Text(hit.born),
            Text(hit.postcode_district),
            Text(hit.record_id),
            Text("; ").join(_notes(hit, look_alikes[number])),
        )
        for number, hit in enumerate(hits, start=1)
    )
    columns = (whole(""), "Name", whole("Born"), whole("Area"), whole("Record"), "Note")
    return table(*columns, rows=rows)


def _not_here(status: Status) -> Iterator[Text]:
    """Not on this device: which is another answer than that there is no such child."""
    here = [it for it in status.partitions if it.way is not Way.TETHERED and not it.waits]
    held = sum(partition.records for partition in here)
    titles = ", ".join(partition.title for partition in here)
    yield Text("Not on this device.", style="bold")
    yield Text(
        "That does not mean that there is no such child: searched were the "
        f"{many(held, 'entry', 'entries')} held here ({titles or 'no partition'}). "
        "Leave out what you are least sure of, or ask for the whole index, on line:"
    )
    yield Text("  fieldward field enquire")


def _unsearched(partition: Unsearched) -> Text:
    return Text(f"Not searched, {_UNSEARCHED[partition.why].format(partition.title)}", ATTENTION)


def _notes(hit: Hit, look_alikes: Sequence[int]) -> Iterator[Text]:
    if len(look_alikes) > MAX_NAMED:
        yield Text(f"like {len(look_alikes)} others", ATTENTION)
    elif look_alikes:
        yield Text(f"like {', '.join(map(str, look_alikes))}", ATTENTION)
    if hit.shielded:
        yield Text("shielded", ATTENTION)
    if hit.conflicts:
        yield Text("in conflict", ATTENTION)
    if hit.pending:
        yield Text("not sent yet", ATTENTION)
    yield from map(Text, why(hit.agreement))


def _look_alikes(hits: Sequence[Hit]) -> dict[int, list[int]]:
    """For each hit by its number from 1, the others that may be its twin or namesake."""
    numbered = list(enumerate(hits, start=1))
    return {
        number: [other for other, its in numbered if other != number and _is_alike(hit, its)]
        for number, hit in numbered
    }


def _is_alike(one: Hit, other: Hit) -> bool:
    if one.family.casefold() != other.family.casefold():
        return False
    return one.born == other.born or one.given.casefold() == other.given.casefold()
