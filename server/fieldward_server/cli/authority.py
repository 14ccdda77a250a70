"""``fieldward authority``: whose records a server holds, and what happened there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.invocation import Invocation
from fieldward_server.cli.options import json_option
from fieldward_server.cli.output import moment, show_done, show_item, show_items, show_json
from fieldward_server.cli.signed import Commander, signed
from fieldward_sync.errors import CallerMistake, RefusedByServer
from fieldward_sync.server_address import read_server_address

KEY_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group("authority", cls=Group)
def command() -> None:
    """Local authorities, each with keys of its own."""


@command.command()
@click.option("--name", required=True, help="What people call it.")
@click.option(
    "--secrets",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder for its root key and audit key. The server gets neither: store them apart.",
)
@click.option(
    "--server-key",
    help="The fingerprint that `administrator bootstrap` printed on the server's host. Needed "
    "unless that is this machine.",
)
@signed()
@json_option
@click.pass_obj
def create(
    invocation: Invocation,
    call: Commander,
    name: str,
    folder: Path,
    server_key: str | None,
    as_json: bool,
) -> None:
    """Found an authority: its root key is made here, and vouches for the server's.

    The root key signs the keys in force and each new incarnation; the audit key opens look-ups.

    \b
    Example:
      fieldward authority create --authority E08000039 --name Sheffield --secrets keys
    """
    from fieldward_server.cli.key_files import AUDIT, ROOT, remove_keys, write_keys
    from fieldward_server.cli.known_authorities import KnownAuthority
    from fieldward_server.services.authorities import AuthorityKeys
    from fieldward_sync.encoding import pack
    from fieldward_sync.invitations import fingerprint
    from fieldward_sync.keys import KEY_BYTES, hpke_public_key
    from fieldward_sync.signing import public_key, sign, signing_key

    told = call("authority/keys")
    keys = AuthorityKeys(
        answer_key=bytes.fromhex(told["answer_key"]),
        edit_key=bytes.fromhex(told["edit_key"]),
        incarnation=told["incarnation"],
    )
    _check_server_key(invocation, fingerprint(keys.answer_key).hex(), server_key)
    root_seed, audit_seed = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
    root = signing_key(root_seed)
    trust = keys.first_trust(
        authority=call.authority, audit_key=hpke_public_key(audit_seed), issued=int(time.time())
    )
    founded = {"root_key": public_key(root).hex(), "trust": pack(sign(trust, root)).hex()}
    # Written first: an authority whose root key was lost could never be restored.
    paths = write_keys(folder, authority=call.authority, keys={ROOT: root_seed, AUDIT: audit_seed})
    try:
        call("authority/create", name=name, **founded)
    except RefusedByServer:
        # After anything else it may have been founded all the same, on these keys.
        remove_keys(paths)
        raise
    call.administration.keep(KnownAuthority.read(call.authority, founded))
    root_fingerprint = fingerprint(public_key(root)).hex()
    show_done(
        {"keys": [str(path) for path in paths], "root_fingerprint": root_fingerprint},
        *(f"Store apart from the server: {path}" for path in paths),
        f"The root key's fingerprint is {root_fingerprint}.",
        as_json=as_json,
    )


@command.command()
@signed()
@json_option
def show(call: Commander, as_json: bool) -> None:
    """Show the authority, and how much there is of it.

    \b
    Example:
      fieldward authority show --authority E08000039
    """
    report = call("authority/show")
    if as_json:
        show_json(report)
    else:
        show_item(
            {
                "authority": report["authority"],
                "name": report["name"],
                "founded": "yes" if report["founded"] else "no: `fieldward authority create`",
                "root key fingerprint": report["root_fingerprint"],
                "incarnation": report["incarnation"],
                "records": report["records"],
                "devices": report["devices"],
                "administrators": report["administrators"],
            }
        )


@command.command("renew-keys")
@click.option("--root-key", type=KEY_FILE, required=True, help="The authority's root key.")
@click.option(
    "--new-audit-key",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for a new audit key: look-ups are sealed to it from then on. Keep the old one "
    "as long as look-ups that are sealed to it.",
)
@signed(must_say_why=True)
@json_option
def renew_keys(call: Commander, root_key: Path, folder: Path | None, as_json: bool) -> None:
    """Put new keys in the place of those that the server signs and opens with.

    One signs answers, leases and orders; edits and enquiries are sealed to the other.
    The root key is read, used for one signature, and forgotten. Devices follow at their next sync;
    edits that wait on them still open. Broken off, it is given again.

    \b
    Example:
      fieldward authority renew-keys --authority E08000039 \\
        --root-key /media/key/E08000039-root-key --reason key-exposed
    """
    from fieldward_server.cli.key_files import AUDIT, ROOT, read_key, write_keys
    from fieldward_server.cli.known_authorities import KnownAuthority
    from fieldward_server.services.succession import Successors
    from fieldward_sync.encoding import pack
    from fieldward_sync.invitations import fingerprint
    from fieldward_sync.keys import KEY_BYTES, hpke_public_key
    from fieldward_sync.signing import public_key, sign, signing_key

    root = signing_key(read_key(root_key, purpose=ROOT, authority=call.authority))
    told = call("authority/prepare-keys")
    before = call.administration.trust(call.authority)
    successors = Successors(
        answer_key=bytes.fromhex(told["answer_key"]),
        edit_key=bytes.fromhex(told["edit_key"]),
        incarnation=told["incarnation"],
        version=told["version"],
    )
    successors.require_following(before)
    audit_key, paths = before.audit_key, []
    if folder is not None:
        audit_seed = os.urandom(KEY_BYTES)
        audit_key = hpke_public_key(audit_seed)
        # Written first: what was sealed to a key that was lost would never be read.
        paths = write_keys(folder, authority=call.authority, keys={AUDIT: audit_seed})
    trust = successors.trust(authority=call.authority, audit_key=audit_key, issued=int(time.time()))
    signed_trust = pack(sign(trust, root)).hex()
    call("authority/renew-keys", trust=signed_trust)
    renewed = {"root_key": public_key(root).hex(), "trust": signed_trust}
    call.administration.keep(KnownAuthority.read(call.authority, renewed))
    answer_fingerprint = fingerprint(trust.answer_key).hex()
    show_done(
        {"keys": [str(path) for path in paths], "answer_key_fingerprint": answer_fingerprint},
        *(f"Store apart from the server: {path}" for path in paths),
        f"Answers are signed with the key with the fingerprint {answer_fingerprint}.",
        as_json=as_json,
    )


@command.command()
@click.option("--after", type=click.IntRange(0), help="Those after this number.  [default: last]")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many."
)
@signed()
@json_option
def events(call: Commander, after: int | None, limit: int, as_json: bool) -> None:
    """List what was done: by whom, when, why. The newest comes last.

    \b
    Example:
      fieldward authority events --authority E08000039 --limit 20
    """
    since = {} if after is None else {"after": after}
    show_items(
        call.items("authority/events", limit=limit, **since),
        {
            "no.": "number",
            "when": lambda it: moment(it["at"]),
            "who": "actor",
            "what": "action",
            "about": "subject",
            "why": "reason",
        },
        as_json=as_json,
        nothing="Nothing was done after that.",
    )


@command.command()
@signed()
@json_option
def incidents(call: Commander, as_json: bool) -> None:
    """List what should not have happened, for a person to look into.

    \b
    Example:
      fieldward authority incidents --authority E08000039
    """
    show_items(
        call.items("authority/incidents"),
        {
            "no.": "number",
            "when": lambda it: moment(it["at"]),
            "device": lambda it: f"{it['device']}.{it['generation']}",
            "what": "kind",
            "detail": "detail",
        },
        as_json=as_json,
        nothing="There is no incident.",
    )


def _check_server_key(invocation: Invocation, found: str, expected: str | None) -> None:
    """The root key is about to vouch for what answers: over a network, that is compared first."""
    if expected is None and read_server_address(invocation.server).is_this_machine:
        return
    if expected != found:
        raise CallerMistake(
            "server-key",
            f"The key of the server at {invocation.server} has the fingerprint {found}.",
            next_step="If that is what `administrator bootstrap` printed on the server's host, say "
            f"so: --server-key {found}",
        )
