"""``fieldward field sync``: deliver what was typed and looked up, and bring the copy up to date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import click
from rich.text import Text

from fieldward_client import (
    AccessClosed,
    Device,
    EditVerdict,
    RetryLater,
    SyncOutcome,
    SyncReport,
)
from fieldward_client.terminal.header import ATTENTION, GOOD, QUIET, header
from fieldward_client.terminal.opening import (
    folder_option,
    is_wiped,
    json_option,
    locked,
    unlocked,
)
from fieldward_client.terminal.printing import progress_of_sync, say, show_json
from fieldward_client.terminal.wording import many, refusal_in_words

DONE, FAILED, LATER = 0, 1, 3
"""Exit codes, as everywhere on the command line."""

_OUTCOMES = {
    SyncOutcome.COMPLETE: Text("Sync complete.", GOOD),
    SyncOutcome.DELIVERED: Text("Everything was sent; nothing comes down.", ATTENTION),
    SyncOutcome.PARTIAL: Text("Sync stopped on the way; what was done is kept.", ATTENTION),
    SyncOutcome.OFFLINE: Text(
        "Offline: the server was not reached. Nothing is lost; it is sent next time.", QUIET
    ),
    SyncOutcome.REFUSED: Text("Sync failed: the server refused.", ATTENTION),
    SyncOutcome.DISTRUSTED: Text(
        "Sync failed: what answered is not your server. Nothing of it was used.", ATTENTION
    ),
}
_NO_SIGNAL = (SyncOutcome.OFFLINE, "offline")
"""Of this the outcome says all."""

_VERDICTS = {
    "conflict": "somebody else wrote there too: open the entry and settle it",
    "refused": "refused",
}


@click.command()
@click.option(
    "--locked",
    "stay_locked",
    is_flag=True,
    help="Without the passphrase: deliver and obey, and fetch nothing.",
)
@folder_option
@json_option
@click.pass_context
def sync(context: click.Context, stay_locked: bool, folder: Path, as_json: bool) -> None:
    """Send what waits, and bring your copy up to date.

    Being offline is no failure: nothing is lost, and the exit code is 3, try again later.

    \b
    Example:
      fieldward field sync
    """
    stay_locked = stay_locked or is_wiped(folder)  # what is left of it needs no passphrase
    with locked(folder) if stay_locked else unlocked(folder) as device:
        with progress_of_sync() as tell:
            report = device.sync(tell)
        if as_json:
            show_json(_by_name(report))
        else:
            say(*_in_words(report), *_standing(device))
    context.exit(exit_code(report))


def exit_code(report: SyncReport) -> int:
    """0 for what is complete or delivered, 3 for what another try may mend, else 1."""
    if report.error is None:
        return DONE
    return LATER if isinstance(report.error, RetryLater) else FAILED


def _in_words(report: SyncReport) -> Iterator[Text]:
    yield _OUTCOMES[report.outcome]
    if report.error is not None and (report.outcome, report.error.code) != _NO_SIGNAL:
        yield Text(report.error.diagnostics(), ATTENTION)
    if report.edits_sent or report.look_ups_sent:
        sent = f"{many(report.edits_sent, 'edit')} and {many(report.look_ups_sent, 'look-up')}"
        yield Text(f"  Sent {sent}.")
    if report.updated:
        size = f"{max(1, report.bytes_fetched // 1000):,} kB"
        yield Text(f"  New in your copy ({size}): {', '.join(report.updated)}.")
    if report.lost:
        yield Text(f"  No longer on this device: {', '.join(report.lost)}.", ATTENTION)
    if report.on_line_now:
        titles = ", ".join(report.on_line_now)
        yield Text(f"  On line only from now on, ask with enquire: {titles}.", ATTENTION)
    for verdict in report.verdicts:
        yield from _verdict(verdict)


def _verdict(verdict: EditVerdict) -> Iterator[Text]:
    if verdict.outcome != "merged":
        why = f": {refusal_in_words(verdict.code)} [{verdict.code}]" if verdict.code else ""
        yield Text(f"  Edit {verdict.counter}: {_VERDICTS[verdict.outcome]}{why}.", ATTENTION)


def _standing(device: Device) -> Iterator[Text]:
    """The header; of a wiped device that has just said its last, that it has."""
    try:
        yield from header(device.status())
    except AccessClosed as e:
        yield Text(e.message, ATTENTION)


def _by_name(report: SyncReport) -> dict[str, object]:
    error = report.error and {
        "code": report.error.code,
        "message": report.error.message,
        "next_step": report.error.next_step,
    }
    return {**asdict(replace(report, error=None)), "error": error}
