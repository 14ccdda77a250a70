"""Finding a child on a device: how well, by whatever is remembered, and what the keys for it cost.

Searches are made in an image in memory, by the same look-ups and ranking as in a session, so that
thousands of them fit.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

from bench.names_abroad import LATIN, OTHER_SCRIPTS, Names, in_english, renamed, unmarked
from bench.remembering import (
    TWO_OF_THREE,
    WAYS,
    Asked,
    Child,
    Score,
    Search,
    Way,
    ask,
    in_the_open,
)
from bench.results import Row
from bench.run import WHOLE, Run
from children import AUTHORITY
from fieldward_server.population import REFERENCE_DATE
from fieldward_server.population.slips import FAMILIES, FIELDS, Remembered, with_slip
from fieldward_server.population.views import view_of
from fieldward_sync.distribution import FileContext, seal_file
from fieldward_sync.images import Image
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.ranking import Ranking, rank

_OTHERWISE_SPELT = (
    Way("name, birth date, postcode, one of the two wrong", FIELDS, 1, right=("name",)),
    Way("name and birth date", ("name", "born"), 0),
)
"""Without names alone: so few are put down that each is borne by hundreds."""


def quality_rows(run: Run) -> Iterator[Row]:
    """Who is found among so many, by what is remembered."""
    children = run.children.records(run.scale.records)
    with closing(_image(children)) as image:
        search, searches = _in(image), run.scale.searches
        for way in WAYS:
            score = Score.of(_asked(children, way), search, searches=searches)
            if way is TWO_OF_THREE:
                yield from score.budgeted_rows(way.name, first=95, fifth=99, few=95)
            else:
                yield from score.rows(way.name)
        for family in FAMILIES:
            way = replace(TWO_OF_THREE, name=f"{TWO_OF_THREE.name} by {family}", family=family)
            asked = _asked(children, way)
            yield from Score.of(asked, search, searches=searches).short_rows(way.name)
        score = Score.of(_twins(children), search, searches=searches)
        yield Row("twins told apart, one slip in the given name", score.recall(1), "%")


def abroad_rows(run: Run) -> Iterator[Row]:
    """The same for names of other countries, as recorded and as English people would write them."""
    children, searches = run.children.records(run.scale.records), run.scale.searches

    def rows(
        what: str, image: Image, asked_for: Sequence[Child], ways: Iterable[Way]
    ) -> Iterator[Row]:
        for way in ways:
            score = Score.of(_asked(asked_for, way), _in(image), searches=searches)
            yield from score.short_rows(f"{what}: {way.name}")

    there = list(renamed(children, [Names.of(locale) for locale in LATIN]))
    with closing(_image(there)) as image:
        yield from rows("Latin letters", image, there, WAYS)
        plain = [_with_names(child, unmarked) for child in there]
        yield from rows("the same without marks", image, plain, WAYS)
    there = list(renamed(children, [Names.of(locale) for locale in OTHER_SCRIPTS]))
    with closing(_image(there)) as image:
        yield from rows("other scripts", image, there, WAYS)
    there = list(renamed(children, Names.put_down()))
    with closing(_image(there)) as image:
        english = [_with_names(child, in_english) for child in there]
        yield from rows("other scripts, asked for in English", image, english, _OTHERWISE_SPELT)


def key_rows(run: Run) -> Iterator[Row]:
    """What the keys add to an image."""
    children = run.children.records(run.scale.records)
    with closing(_image(children)) as image:
        whole = image.to_bytes()
    bare = _without_keys(whole)
    count = len(children)
    yield Row("search keys in an image, opened", (len(whole) - len(bare)) / count, "bytes/record")
    sealed = _sealed_bytes(whole) - _sealed_bytes(bare)
    yield Row("search keys in an image, on the wire", sealed / count, "bytes/record")


def _image(children: Iterable[Child]) -> Image:
    return Image.build(map(view_of, children))


def _in(image: Image) -> Search:
    def search(query: Query) -> Ranking:
        candidates, crowded = image.candidates(query, today=REFERENCE_DATE)
        return Ranking(too_many=True) if crowded else rank(query, candidates, today=REFERENCE_DATE)

    return search


def _asked(children: Sequence[Child], way: Way) -> Iterator[Asked]:
    chance = Random(way.name)
    return ask(in_the_open(children, chance), way, chance)


def _twins(children: Sequence[Child]) -> Iterator[Asked]:
    """Each of those who share birth date, address and family name, with one slip in the given
    name."""
    chance = Random(7)
    for pair in pairwise(children):
        one, other = map(Remembered.of, pair)
        if other != replace(one, given=other.given) or not one.postcode:
            continue
        for child, twin in zip(pair, (one, other), strict=True):
            slipped = with_slip(Remembered(given=twin.given), "name", chance)
            if slipped is not None and "shield" not in child:
                yield Asked(child["record_id"], replace(twin, given=slipped.given).terms)


def _with_names(child: Child, spell: Callable[[str], str]) -> Mapping[str, Any]:
    name = {part: spell(text) for part, text in child["name"].items()}
    return {**child, "name": name}


def _without_keys(body: bytes) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(body)
        connection.execute("DELETE FROM search_key")
        connection.commit()
        connection.execute("VACUUM")
        return connection.serialize()


def _sealed_bytes(body: bytes) -> int:
    context = FileContext(AUTHORITY, 1, WHOLE, 1, "image", 0, 1)
    sealed, _ = seal_file(body, context=context, key=os.urandom(32), entropy=os.urandom)
    return len(sealed)
