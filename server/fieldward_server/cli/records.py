"""``fieldward records``: bring them in, and see what became of one."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click
import msgspec

from fieldward_server.cli.conflicts import value_columns, who
from fieldward_server.cli.disputes import dispute_columns
from fieldward_server.cli.groups import Group
from fieldward_server.cli.invocation import Invocation
from fieldward_server.cli.options import ID, json_option
from fieldward_server.cli.output import moment, progress, show_item, show_items, show_json
from fieldward_server.cli.record_merging import merge
from fieldward_server.cli.record_splitting import split
from fieldward_server.cli.record_transfers import accept, decline, offer, transfers, withdraw
from fieldward_server.cli.signed import Commander, administration_of, reason_option, signed
from fieldward_sync.errors import CallerMistake

if TYPE_CHECKING:
    from fieldward_server.cli.record_folders import FileVerdict
    from fieldward_server.cli.record_loading import Verdict

# How files are read and loaded is imported where it is done: completing a command needs none of it.

OUTCOMES = ("created", "changed", "unchanged", "refused")
FORMATS = ("ndjson", "csv")
SHOWN_REFUSALS = 10
STANDARD_INPUT = "-"


@click.group("records", cls=Group)
def command() -> None:
    """Records: bring them in, see what became of one, merge, split, hand them over."""


for _command in (merge, split, offer, withdraw, accept, decline, transfers):
    command.add_command(_command)


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    help="What FILE is.  [default: csv if it is called so, else ndjson]",
)
@click.option(
    "--rejects",
    "rejects_path",
    type=click.Path(path_type=Path),
    help="Write what was refused here, as it stood.  [default: FILE.rejects]",
)
@click.option(
    "--verdicts",
    "verdict_file",
    type=click.File("wb"),
    help="Write what became of each line here, as NDJSON.",
)
@signed()
@json_option
def load(
    call: Commander,
    file: str,
    format_name: str | None,
    rejects_path: Path | None,
    verdict_file: BinaryIO | None,
    as_json: bool,
) -> None:
    """Load records from FILE ("-": stdin), NDJSON or CSV; a bad line stops no other.

    What is refused is written to another file as it stood: mend it there, and load that file.
    Loading a file again changes nothing, so a load that was interrupted is simply run again. The
    exit code is 1 if any line was refused.

    A CSV file begins with the names of its columns (`fieldward records columns`), is UTF-8, and has
    commas, semicolons or tabs between cells. An empty cell says nothing.

    \b
    Examples:
      fieldward records load pop.ndjson --authority E08000039 --verdicts verdicts.ndjson
      fieldward records load children.csv --authority E08000039
    """
    from fieldward_server.cli.record_files import format_of, read_records
    from fieldward_server.cli.record_loading import (
        Rejects,
        load_keeping_rejects,
        rejects_path_for,
    )

    format_name = format_name or format_of(file)
    kept_at = rejects_path_for(file, format_name, rejects_path)
    counts = Counter(dict.fromkeys(OUTCOMES, 0))
    with click.open_file(file, "rb") as opened, progress() as shown:
        records = read_records(cast(BinaryIO, opened), format_name)
        task = shown.add_task("Loading records", total=_size(file))
        with Rejects(kept_at, records.header) as rejects:
            for judged in load_keeping_rejects(call, records.rows, rejects):
                shown.advance(task, sum(len(row.raw) for row, _ in judged))
                for _, verdict in judged:
                    counts[verdict.outcome] += 1
                    if verdict_file is not None:
                        verdict_file.write(msgspec.json.encode(verdict) + b"\n")
                    elif verdict.outcome == "refused" and counts["refused"] <= SHOWN_REFUSALS:
                        _tell(verdict)
    _report(counts, rejects.path, as_json=as_json)


@command.command("load-folder")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@reason_option()
@json_option
@click.pass_obj
def load_folder(invocation: Invocation, folder: Path, reason: str, as_json: bool) -> None:
    """Load a FOLDER of files of records, one for each authority.

    A file is called by its authority's code: E08000039.ndjson or .csv. Your key commands for each
    of these authorities. A file that fails stops no other. A run that was interrupted goes on with
    the file where it was; what has been loaded is noted in the folder and passed over, until the
    file changes or the authority is restored from a backup. What is refused of a file stands in
    FILE.rejects. The exit code is 1 if a file failed or any line was refused.

    \b
    Example:
      fieldward records load-folder england
    """
    from fieldward_server.cli.record_folders import RecordFolder

    opened, administration = RecordFolder(folder), administration_of(invocation)
    good = True
    with progress() as shown:
        task = shown.add_task("Loading files", total=sum(it.stat().st_size for it in opened.files))
        for verdict in opened.load(
            lambda authority: Commander(administration, authority=authority, reason=reason),
            advance=lambda done: shown.advance(task, done),
        ):
            good &= verdict.is_good
            _tell_of_file(verdict, as_json=as_json)
    if not good:
        sys.exit(1)


@command.command()
@json_option
def columns(as_json: bool) -> None:
    """List the columns that a CSV file of records may have.

    A column is named by the path of a field. For * the file says an id of its own, the same in
    every load: involvements/1.service and involvements/1.since are of one involvement.

    \b
    A first line may be:
      record_id,authority,name.family,name.given,born,sex,nhs_number,address.kind,address.lines/1

    \b
    Example:
      fieldward records columns
    """
    from fieldward_server.cli.record_files import COLUMNS, REQUIRED_COLUMNS
    from fieldward_sync.schema import codes_of, is_flag

    show_items(
        (
            {
                "column": column,
                "required": column in REQUIRED_COLUMNS,
                "codes": ("true", "false") if is_flag(column) else codes_of(column),
            }
            for column in COLUMNS
        ),
        {
            "column": "column",
            "": lambda it: "required" if it["required"] else "",
            "one of": lambda it: ", ".join(it["codes"]),
        },
        as_json=as_json,
        nothing="",
    )


@command.command()
@click.argument("record", type=ID)
@click.argument("path", required=False)
@signed(must_say_why=True)
@json_option
def history(call: Commander, record: str, path: str | None, as_json: bool) -> None:
    """Show all edits of a RECORD, hidden values included: what was set, by whom, when.

    Below them is what was disputed, with what came of it.

    With a PATH, every value that this field has had: on what ground, and what took its place.

    \b
    Examples:
      fieldward records history 6f3k --authority E08000039 --reason complaint
      fieldward records history 6f3k born --authority E08000039 --reason complaint
    """
    if path is not None:
        _show_values(call, record, path, as_json=as_json)
        return
    known = call("records/history", record=record)
    if as_json:
        show_json(known)
        return
    show_item(
        {
            "record": known["record_id"],
            "revision": known["revision"],
            "shielded": "yes" if known["shielded"] else "no",
            "partitions": ", ".join(known["partitions"]) or "none",
            "in conflict": ", ".join(known["conflicts"]) or "nothing",
            **({"goes on in": known["merged_into"]} if known["merged_into"] else {}),
            **({"was also": ", ".join(known["merged"])} if known["merged"] else {}),
        }
    )
    brought = any(edit["from_record"] for edit in known["edits"])
    show_items(
        (
            {**edit, "path": change["path"], "value": change["value"]}
            for edit in known["edits"]
            for change in edit["changes"]
        ),
        {
            "edit": "number",
            "received": lambda it: moment(it["received_at"]),
            "by": who,
            "field": "path",
            "value": "value",
            **({"from": "from_record"} if brought else {}),
        },
        as_json=False,
        nothing="Nothing has been set.",
    )
    _show_disputes(known)


@command.command()
@click.argument("record", type=ID)
@signed(must_say_why=True)
@json_option
def duplicates(call: Commander, record: str, as_json: bool) -> None:
    """List records that may be of the same child as RECORD, and why.

    The likeliest come first. They are compared by what ordinary readers see of them: nothing that
    is hidden counts.

    \b
    Example:
      fieldward records duplicates 6f3k --authority E08000039 --reason data-quality
    """
    found = call("records/duplicates", record=record)
    if as_json:
        show_json(found)
        return
    show_items(
        found["likely"],
        {
            "fits": lambda it: f"{it['score_percent']} %",
            "record": "record_id",
            "family": "family",
            "given": "given",
            "born": "born",
            "postcode": "postcode_district",
            "shielded": lambda it: "yes" if it["shielded"] else "no",
            "why": lambda it: ", ".join(f"{term}: {how}" for term, how in it["agreement"].items()),
        },
        as_json=False,
        nothing="The record shows too little to compare it by."
        if found["too_many"]
        else "No other record seems to be of the same child.",
    )


def _show_values(call: Commander, record: str, path: str, *, as_json: bool) -> None:
    known = call("records/values", record=record, path=path)
    if as_json:
        show_json(known)
        return
    show_items(
        known["values"],
        {
            **value_columns(),
            "replaced by": lambda it: ", ".join(map(str, it["replaced_by"])) or "it stands",
        },
        as_json=False,
        nothing="Nothing has been set there.",
    )
    _show_disputes(known)


def _show_disputes(known: Mapping[str, Any]) -> None:
    if known["disputes"]:
        show_items(known["disputes"], dispute_columns(), as_json=False, nothing="")


def _size(file: str) -> int | None:
    """Its length in bytes, where that can be known."""
    return None if file == STANDARD_INPUT else Path(file).stat().st_size


def _tell(verdict: Verdict) -> None:
    names = "" if verdict.reason.startswith(verdict.field) else f"{verdict.field}: "
    click.echo(f"line {verdict.line}: {names}{verdict.reason}", err=True)


def _tell_of_file(verdict: FileVerdict, *, as_json: bool) -> None:
    if as_json:
        show_json(asdict(verdict))
        return
    counted = ", ".join(f"{verdict.rows[it]:,} {it}" for it in OUTCOMES if verdict.rows.get(it))
    told = verdict.reason or counted or verdict.outcome
    kept = f"; what was refused stands in {verdict.rejects}" if verdict.rejects else ""
    click.echo(f"{verdict.file}: {told}{kept}")


def _report(counts: Mapping[str, int], rejects: Path | None, *, as_json: bool) -> None:
    """How many rows had each outcome, and where those are that were refused."""
    if not any(counts.values()):
        raise CallerMistake(
            "no-records", "There is no record in the file.", next_step="Check which file it is."
        )
    if as_json:
        show_json({**counts, "rejects": None if rejects is None else str(rejects)})
    else:
        show_item(counts)
    if rejects is not None:
        click.echo(
            f"What was refused stands in {rejects} as it came: mend it there, and load that file.",
            err=True,
        )
        sys.exit(1)
