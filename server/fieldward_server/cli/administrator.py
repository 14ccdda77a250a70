"""``fieldward administrator``: the people who command, each under a key of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.host import Host, pass_host
from fieldward_server.cli.invocation import Invocation
from fieldward_server.cli.options import ID, authority_option, json_option
from fieldward_server.cli.output import moment, show_done, show_items
from fieldward_server.cli.passphrase import read_passphrase
from fieldward_server.cli.signed import Commander, signed

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_REASON = "bootstrap"

_name_option = click.option("--name", required=True, help="What people call them.")


def _public_key_option(*, required: bool) -> Callable[..., Callable[..., None]]:
    return click.option(
        "--public-key",
        "public_key_file",
        type=click.Path(path_type=Path, dir_okay=False),
        required=required,
        help="The public half of their key, a .pub file."
        + ("" if required else "  [default: of your own key]"),
    )


@click.group("administrator", cls=Group)
def command() -> None:
    """Administrators: people who command for one authority, each under a key of their own.

    Make a key with `key` and hand its .pub file to whoever adds you: the first administrator of an
    authority is added by an operator on the server's host (`bootstrap`), every other one by an
    administrator (`add`).
    """


@command.command("key")
@json_option
@click.pass_obj
def key_(invocation: Invocation, as_json: bool) -> None:
    """Make a key of your own, protected by a passphrase.

    The file is in OpenSSH's format: `ssh-keygen -p -f FILE` changes its passphrase.

    \b
    Example:
      fieldward administrator key
    """
    from fieldward_server.cli.administrator_key import MIN_PASSPHRASE_CHARACTERS, new_key_file

    public_key_file = new_key_file(
        invocation.key_file,
        lambda: read_passphrase(
            invocation.passphrase_file,
            prompt=f"A passphrase for your new key, {MIN_PASSPHRASE_CHARACTERS} characters or more",
            twice=True,
        ),
    )
    show_done(
        {"key": str(invocation.key_file), "public_key": str(public_key_file)},
        f"Your key:        {invocation.key_file}",
        f"Its public half: {public_key_file}",
        as_json=as_json,
    )


@command.command()
@click.argument("administrator", type=ID)
@authority_option
@_name_option
@_public_key_option(required=False)
@json_option
@pass_host
@click.pass_obj
def bootstrap(
    invocation: Invocation,
    host: Host,
    administrator: str,
    authority: str,
    name: str,
    public_key_file: Path | None,
    as_json: bool,
) -> None:
    """On the server's host: add the first ADMINISTRATOR of an authority, by an id.

    It is also the way back where every administrator has lost their key.

    \b
    Example:
      fieldward administrator bootstrap mo --authority E08000039 --name "Mo Malik"
    """
    from fieldward_server.cli.administrator_key import public_key_path, read_public_key_file
    from fieldward_server.services import administrators
    from fieldward_server.services.authorities import authority_keys, show_authority
    from fieldward_sync.invitations import fingerprint

    administrators.bootstrap(
        host.platform,
        authority=authority,
        administrator=administrator,
        name=name,
        public_key=read_public_key_file(public_key_file or public_key_path(invocation.key_file)),
        actor=host.actor,
        reason=FIRST_REASON,
        now=host.now(),
    )
    result = {"administrator": administrator, "authority": authority}
    sentences = [f"{administrator} may command for {authority}."]
    if not show_authority(host.platform, authority).founded:
        server_key = fingerprint(authority_keys(host.platform, authority).answer_key).hex()
        result["server_key"] = server_key
        sentences += [
            f"They found it now: `fieldward authority create --authority {authority} --name NAME "
            "--secrets FOLDER`.",
            f"The server's key has the fingerprint {server_key}.",
        ]
    show_done(result, *sentences, as_json=as_json)


@command.command()
@click.argument("administrator", type=ID)
@_name_option
@_public_key_option(required=True)
@signed()
@json_option
def add(
    call: Commander, administrator: str, name: str, public_key_file: Path, as_json: bool
) -> None:
    """Let a further ADMINISTRATOR command, by an id that nobody had before.

    \b
    Example:
      fieldward administrator add jo --authority E08000039 --name "Jo Lee" --public-key jo.pub
    """
    from fieldward_server.cli.administrator_key import read_public_key_file

    public_key = read_public_key_file(public_key_file).hex()
    call("administrator/add", administrator=administrator, name=name, public_key=public_key)
    show_done(
        {"administrator": administrator},
        f"{administrator} may command for {call.authority}.",
        as_json=as_json,
    )


@command.command("list")
@signed()
@json_option
def list_(call: Commander, as_json: bool) -> None:
    """List an authority's administrators, those that were removed included.

    \b
    Example:
      fieldward administrator list --authority E08000039
    """
    show_items(
        call.items("administrator/list"),
        {
            "id": "administrator",
            "name": "name",
            "added": lambda it: moment(it["added_at"]),
            "by": "added_by",
            "removed": lambda it: moment(it["removed_at"]) if it["removed_at"] else "",
        },
        as_json=as_json,
        nothing="There is no administrator.",
    )


@command.command()
@click.argument("administrator", type=ID)
@signed(must_say_why=True)
@json_option
def remove(call: Commander, administrator: str, as_json: bool) -> None:
    """Let an ADMINISTRATOR command no more, from this moment.

    \b
    Example:
      fieldward administrator remove jo --authority E08000039 --reason left-service
    """
    call("administrator/remove", administrator=administrator)
    show_done(
        {"administrator": administrator},
        f"{administrator} commands no more for {call.authority}.",
        as_json=as_json,
    )
