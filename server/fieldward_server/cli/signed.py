"""What every command of an administrator takes: for which authority, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import click

from fieldward_server.cli.invocation import Invocation
from fieldward_server.cli.options import REASON, authority_option
from fieldward_server.cli.passphrase import read_passphrase
from fieldward_sync.messages import ROUTINE

if TYPE_CHECKING:
    from fieldward_server.cli.administration import Administration


class Commander:
    """Gives one administrator's commands, for one authority and one reason, to the server."""

    def __init__(self, administration: Administration, *, authority: str, reason: str) -> None:
        self.administration = administration
        self.authority = authority
        self._reason = reason

    def __call__(self, command: str, /, **body: Any) -> dict[str, Any]:
        """Have a command, such as ``device/pause``, carried out; what it answers."""
        return self.administration.call(
            command, authority=self.authority, reason=self._reason, **body
        )

    def items(self, command: str, /, **body: Any) -> list[dict[str, Any]]:
        """Have a command carried out that lists; its items."""
        items: list[dict[str, Any]] = self(command, **body)["items"]
        return items

    def pages(
        self, command: str, /, *, position: Callable[[dict[str, Any]], Any], **body: Any
    ) -> Iterator[dict[str, Any]]:
        """Have a command carried out that lists page by page, to the last: its items. ``position``
        is where a page goes on that follows an item."""
        while items := self.items(command, **body):
            yield from items
            body = {**body, "after": position(items[-1])}


def administration_of(invocation: Invocation) -> Administration:
    """The commands of the administrator whose key this is, to this server; it is opened once."""
    # Imported here: what only completes or explains a command needs no connection.
    from fieldward_server.cli.administration import Administration
    from fieldward_server.cli.administrator_key import read_key_file
    from fieldward_server.cli.known_authorities import KnownAuthorities

    path = invocation.key_file
    return Administration(
        invocation.server,
        read_key_file(
            path,
            lambda: read_passphrase(invocation.passphrase_file, prompt=f"Passphrase of {path}"),
        ),
        KnownAuthorities(invocation.known_authorities_folder),
        tell=lambda text: click.echo(text, err=True),
    )


def signed(
    *, must_say_why: bool = False, reasons: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a command one of an administrator's: it gets a ``Commander`` as its first argument.

    Where they must say why, ``--reason`` is required: what records, edits or journals hold is shown
    to nobody without one (A8), and what happens to a device or a child is asked about later.
    ``reasons`` are all there are, where the list is closed.
    """

    def with_commander(move: Callable[..., Any]) -> Callable[..., Any]:
        @click.pass_context
        def call(context: click.Context, /, *, authority: str, reason: str, **given: Any) -> Any:
            invocation = context.find_object(Invocation)
            if invocation is None:
                raise LookupError("The command was not started by the root command.")
            administration = administration_of(invocation)
            return move(Commander(administration, authority=authority, reason=reason), **given)

        return authority_option(reason_option(must_say_why, reasons)(update_wrapper(call, move)))

    return with_commander


def reason_option(
    required: bool = False, reasons: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--reason``: why a command is given; one of ``reasons``, where the list is closed."""
    unless_said = {"required": True} if required else {"default": ROUTINE, "show_default": True}
    return click.option(
        "--reason",
        type=click.Choice(reasons) if reasons else REASON,
        metavar="WORD",
        help=f"Why, for the event log: one of {', '.join(reasons)}."
        if reasons
        else "Why, for the event log, in one coded word: no names.",
        **unless_said,
    )
