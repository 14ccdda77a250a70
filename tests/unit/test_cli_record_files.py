"""Files of records: every row is sent or explained, under the number of its line."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from fieldward_server.cli.record_files import (
    COLUMNS,
    CSV,
    MAX_LINES_OF_A_ROW,
    MAX_ROW_BYTES,
    NDJSON,
    REQUIRED_COLUMNS,
    Row,
    format_of,
    read_records,
)
from fieldward_sync.errors import CallerMistake
from fieldward_sync.schema import load_record

HEADER = (
    "record_id,authority,name.family,name.given,born,sex,nhs_number_withheld,address.kind,"
    "address.lines/1,address.lines/2,address.postcode,involvements/a1.service,"
    "involvements/a1.since,involvements/a1.lead\n"
)
ADA = (
    "c1,E08000039,Okafor,Ada,2021-03-04,female,not-known-in-time,current,"
    "1 High Street,Truro,TR1 2AB,health-visiting,2021-04-01,TRUE\n"
)
BEN = ADA.replace("c1", "c2").replace("Ada", "Ben")


def rows_of(content: bytes | str, format_name: str = CSV) -> list[Row]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_records(io.BytesIO(data), format_name).rows)


def told(rows: list[Row]) -> list[tuple[int, str, bool]]:
    """Line, record and whether it is refused."""
    return [(row.line, row.record_id, bool(row.reason)) for row in rows]


def record_of(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.record)
    return found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("pop.ndjson", NDJSON),
        ("pop", NDJSON),
        ("-", NDJSON),
        ("children.csv", CSV),
        ("a.b/Children.CSV", CSV),
        ("children.csv.rejects", CSV),
        ("children.csv.rejects.2.rejects", CSV),
        ("pop.ndjson.rejects", NDJSON),
    ],
)
def test_a_file_is_what_its_name_says(name: str, found: str) -> None:
    assert format_of(name) == found


class TestATable:
    def test_gives_records_as_they_are_loaded(self) -> None:
        (row,) = rows_of(HEADER + ADA)
        loaded = load_record(record_of(row))
        assert loaded.record_id == row.record_id == "c1"
        assert loaded.fields["involvements/a1.lead"] is True
        assert loaded.fields["address"] == {
            "kind": "current",
            "lines": ["1 High Street", "Truro"],
            "postcode": "TR1 2AB",
        }

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a mark"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
    def test_is_read_as_spreadsheets_of_all_countries_save_it(
        self, delimiter: str, mark: bytes, end: str
    ) -> None:
        text = (HEADER + ADA + BEN).replace(",", delimiter).replace("\n", end)
        rows = rows_of(mark + text.encode())
        assert told(rows) == [(2, "c1", False), (3, "c2", False)]
        assert record_of(rows[1])["name"] == {"family": "Okafor", "given": "Ben"}

    def test_may_have_its_columns_in_any_order_and_in_quotation_marks(self) -> None:
        backwards = [
            ",".join(f'"{cell}"' for cell in reversed(line.strip().split(",")))
            for line in (HEADER, ADA)
        ]
        (row,) = rows_of("\n".join(backwards))
        assert record_of(row) == record_of(rows_of(HEADER + ADA)[0])

    def test_says_nothing_by_an_empty_cell(self) -> None:
        row = rows_of(HEADER + ADA.replace("Truro", " ").replace("TRUE", ""))[0]
        assert record_of(row)["address"]["lines"] == ["1 High Street"]
        assert "lead" not in record_of(row)["involvements"]["a1"]

    def test_numbers_its_lines_although_a_cell_has_several(self) -> None:
        long = ADA.replace("1 High Street", '"Flat 2\n\n1 High Street"')
        rows = rows_of(HEADER + long + "\n" + BEN)
        assert told(rows) == [(2, "c1", False), (6, "c2", False)]
        assert rows[0].raw == long.encode()

    def test_passes_over_empty_rows(self) -> None:
        assert told(rows_of(HEADER + "\n,,,,\n" + ",,\n" + ADA)) == [(5, "c1", False)]

    def test_keeps_a_row_of_too_few_or_too_many_cells_as_it_stands(self) -> None:
        short, long = "c8,E08000039\n", BEN.replace("\n", ",more\n")
        rows = rows_of(HEADER + short + ADA + long)
        assert [bool(row.reason) for row in rows] == [True, False, True]
        assert (rows[0].raw, rows[2].raw) == (short.encode(), long.encode())

    @pytest.mark.parametrize("others", [3, MAX_LINES_OF_A_ROW * 3])
    def test_loses_no_row_to_a_quotation_mark_that_is_open(self, others: int) -> None:
        bad = ADA.replace("Okafor", '"Okafor')
        rows = rows_of(HEADER + bad + BEN * others)
        assert told(rows) == [
            (2, "", True),
            *((line, "c2", False) for line in range(3, 3 + others)),
        ]
        assert rows[0].raw == bad.encode()

    def test_keeps_what_is_not_utf8_byte_for_byte(self) -> None:
        latin = ADA.replace("Ada", "Zoë").encode("latin-1")
        rows = rows_of(HEADER.encode() + latin + BEN.encode())
        assert told(rows) == [(2, "", True), (3, "c2", False)]
        assert rows[0].raw == latin
        assert "UTF-8" in rows[0].reason

    def test_refuses_a_row_that_no_record_can_fill(self) -> None:
        rows = rows_of(HEADER + ADA.replace("Truro", "x" * MAX_ROW_BYTES) + BEN)
        assert told(rows) == [(2, "", True), (3, "c2", False)]

    @pytest.mark.parametrize(
        ("header", "named"),
        [
            (HEADER.replace("born", "birthday"), "birthday"),
            (HEADER.replace(",born", ""), "'born'"),
            (HEADER.replace("sex", "born"), "More than once"),
            (HEADER.replace("a1.lead", "*.lead"), "*.lead"),
            (HEADER.replace("a1.lead", "a1.colour"), "a1.colour"),
            (HEADER.replace("lines/2", "lines/6"), "lines/6"),
        ],
    )
    def test_whose_columns_are_not_those_of_records_is_refused_whole(
        self, header: str, named: str
    ) -> None:
        with pytest.raises(CallerMistake, match="columns") as refused:
            rows_of(header + ADA)
        assert named in refused.value.message

    @pytest.mark.parametrize(
        "header",
        [
            HEADER.replace("\n", "\r").encode() + ADA.encode(),
            b'"' + b"x" * MAX_ROW_BYTES + b'",' + HEADER.encode(),
            (HEADER + ADA).replace("\n", "\r\n").encode("utf-16"),
            HEADER.replace("record_id", '"record_id').encode(),
        ],
        ids=["lines that end in CR", "too long", "UTF-16", "an open quotation mark"],
    )
    def test_whose_header_is_none_is_refused_whole(self, header: bytes) -> None:
        with pytest.raises(CallerMistake):
            rows_of(header)

    @pytest.mark.parametrize("nothing", ["", "\n", "\ufeff\n"])
    def test_without_a_header_is_refused_whole(self, nothing: str) -> None:
        with pytest.raises(CallerMistake, match="no-header"):
            rows_of(nothing)


class TestLinesOfJson:
    def test_are_sent_as_they_stand(self) -> None:
        lines = ['{"record_id": "c1"}\n', "\n", '{"record_id": "c2", "x": 1}']
        rows = rows_of("".join(lines), NDJSON)
        assert told(rows) == [(1, "c1", False), (3, "c2", False)]
        assert [row.record for row in rows] == [lines[0].strip(), lines[2]]

    def test_are_the_servers_to_judge_where_they_hold_no_record(self) -> None:
        assert told(rows_of('{\n[]\n"c1"\n{"record_id": 5}\n' + "[" * 5000, NDJSON)) == [
            (line, "", False) for line in range(1, 6)
        ]

    def test_that_are_not_utf8_or_too_long_are_kept(self) -> None:
        bad = [b'{"record_id": "\xe9"}\n', b'"' + b"x" * MAX_ROW_BYTES + b'"\n']
        rows = rows_of(b"".join(bad) + b'{"record_id": "c3"}\n', NDJSON)
        assert told(rows) == [(1, "", True), (2, "", True), (3, "c3", False)]
        assert [row.raw for row in rows[:2]] == bad

    @pytest.mark.parametrize("blank", ["\xa0", "\u2028", "\x1c", " \u3000\t"])
    def test_that_are_blank_in_any_script_are_passed_over_as_the_server_does(
        self, blank: str
    ) -> None:
        """Else each verdict after it would be told of the row before its own."""
        rows = rows_of(f'{blank}\n{{"record_id": "c1"}}\n', NDJSON)
        assert told(rows) == [(2, "c1", False)]

    def test_may_begin_with_a_byte_order_mark(self) -> None:
        (row,) = rows_of(b'\xef\xbb\xbf{"record_id": "c1"}', NDJSON)
        assert row.record_id == "c1"


def test_every_field_of_a_record_has_its_column() -> None:
    assert set(REQUIRED_COLUMNS) == {
        *("record_id", "authority", "name.family", "name.given", "born", "sex", "address.kind"),
    }
    assert len(COLUMNS) == len(set(COLUMNS))
    assert {"address.lines/5", "involvements/*.consent_withdrawn", "shield"} <= set(COLUMNS)
