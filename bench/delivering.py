"""Edits made without signal: delivered, merged and durable, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.results import Row, at_most
from bench.run import CASELOAD, Run
from bench.stage import CASELOAD_TEAM, PHONE, Stage, Travelled
from bench.timing import timed


def edit_rows(run: Run) -> Iterator[Row]:
    """One edit on each of many children: alone, and with the look-ups that led to them."""
    count = run.scale.changes
    for database, on_postgres in (("SQLite", False), ("PostgreSQL", True)):
        stage = run.empty_stage(f"edits-{database}", on_postgres=on_postgres)
        stage.load_lines(run.children.lines[: run.scale.caseload])
        stage.partition(CASELOAD, f"team:{CASELOAD_TEAM}")
        stage.seal()
        seconds, alone = _deliveries(run, stage, look_ups_too=False)
        yield at_most(f"{count:,} offline edits delivered, {database}", seconds * 1000, "ms", 400)
        if not on_postgres:
            up = alone.up / 1000
            yield at_most(f"{count:,} offline edits, on the wire", up, "KB", 150)
        seconds, together = _deliveries(run, stage, look_ups_too=True)
        what = f"the same with {count:,} look-ups, {database}"
        yield Row(what, seconds * 1000, "ms")
        if not on_postgres:
            yield Row("the same with look-ups, on the wire", together.up / 1000, "KB")


def _deliveries(run: Run, stage: Stage, *, look_ups_too: bool) -> tuple[float, Travelled]:
    """The median of several devices' deliveries, and what travelled for the last."""
    rounds, travelled = [], Travelled()
    for number in range(run.scale.rounds):
        held = stage.enrol(f"types-{look_ups_too:d}-{number}", CASELOAD)
        held.sync()
        with held.device.session(reason="home-visit") as session:
            children = [
                session.open(record["record_id"])
                for record in run.children.in_the_open(run.scale.changes)
            ]
            if not look_ups_too:
                held.device.sync()
            for child_number, child in enumerate(children):
                child.edit(PHONE, f"0114 {look_ups_too:d}{number}{child_number:05}")
            travelled = held.wire.begin()
            with timed() as took:
                report = held.device.sync()
        merged = [verdict for verdict in report.verdicts if verdict.outcome == "merged"]
        if len(merged) != len(children):
            raise RuntimeError(f"an edit was not merged: {report}")
        rounds.append(took.seconds)
        held.device.close()
        stage.seal()
    return median(rounds), travelled
