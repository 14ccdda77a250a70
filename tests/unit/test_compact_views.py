"""Views in an image's rows: the same bytes come back, and what does not fit is refused."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldward_sync import digest
from fieldward_sync.compact_views import Common, Compacting, CompactView
from fieldward_sync.encoding import pack
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.images import Image
from fieldward_sync.records import Value
from fieldward_sync.views import View, ViewValue

texts = st.text("ab/.é", min_size=1, max_size=6)
values: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    texts,
    st.dictionaries(texts, st.lists(texts, max_size=2), max_size=2),
)
shown = st.lists(st.builds(ViewValue, texts, st.integers(0, 3), values), max_size=6).map(tuple)


@given(st.lists(shown, max_size=5))
def test_any_views_come_back_byte_for_byte(held: list[tuple[ViewValue, ...]]) -> None:
    views = [View(f"r-{n}", n, n % 2 == 0, values) for n, values in enumerate(held)]
    with closing(Image.build(views)) as built, closing(Image.open(built.to_bytes())) as image:
        assert [view.to_bytes() for view in image.views()] == [view.to_bytes() for view in views]
        elements = set(image.elements([*(view.record_id for view in views), "absent"], b"k" * 32))
    assert elements == {
        digest.element(b"k" * 32, view.record_id, view.revision, view.to_bytes()) for view in views
    }


@given(shown, st.lists(texts, max_size=3))
def test_of_a_view_is_read_what_is_asked_for(
    held: tuple[ViewValue, ...], wanted: list[str]
) -> None:
    """Paths that belong to no collection by themselves, others with their collections."""
    compacting = Compacting()
    common, (row,) = compacting.written([compacting.take(View("r-1", 1, False, held))])
    found = common.reader(wanted)("r-1", row)
    assert found.values == tuple(each for each in held if asked_for(each.path) in wanted)


def asked_for(path: str) -> str:
    head, _, _ = path.partition(".")
    collection, stroke, _ = head.partition("/")
    return collection + stroke if stroke else path


def in_paths(record_id: str, **at: tuple[Value, ...]) -> View:
    every = ((path, value) for path, values in sorted(at.items()) for value in values)
    return View(record_id, 1, False, tuple(ViewValue(p, n, v) for n, (p, v) in enumerate(every, 1)))


def test_an_image_names_the_records_with_several_different_values_at_a_path() -> None:
    views = [
        in_paths("r-1", born=("2020-01-01",), sex=("male",)),
        in_paths("r-2", born=("2020-01-01", "2020-10-01")),
        in_paths("r-3", born=("2020-01-01", "2020-01-01")),
    ]
    with closing(Image.build(views)) as image:
        assert list(image.in_conflict()) == ["r-2"]


COMMON = Common(pack([["", "born"], ["carers/", ".family"]]), pack(["2020-01-01"]))
ROW = CompactView(1, False, (1,), (0, 1), ("c1",), (0, "Okafor"))


def test_a_row_names_shapes_and_shared_values_by_their_places() -> None:
    assert COMMON.view("r-1", pack(ROW)) == View(
        "r-1",
        1,
        False,
        (ViewValue("born", 1, "2020-01-01"), ViewValue("carers/c1.family", 1, "Okafor")),
    )


@pytest.mark.parametrize(
    "row",
    [
        CompactView(1, False, (1,), (0, 2), ("c1",), (0, "Okafor")),
        CompactView(1, False, (1,), (0, 1), (), (0, "Okafor")),
        CompactView(1, False, (1,), (0, 1), ("c1",), (1, "Okafor")),
        CompactView(1, False, (1,), (0, 1), ("c1",), (-1, "Okafor")),
        CompactView(1, False, (1,), (0, 1), ("c1",), (0,)),
    ],
    ids=["no such shape", "no member", "no such value", "no number", "a value too few"],
)
def test_a_row_is_refused_that_does_not_fit(row: CompactView) -> None:
    for read in (COMMON.view, COMMON.packed_view, COMMON.reader(["born", "carers/"])):
        with pytest.raises(PeerBrokeProtocol, match="image-malformed"):
            read("r-1", pack(row))
