"""What administrators call: one address for each command, signed, and recorded before it runs."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from flask import Blueprint, Response, request

from fieldward_server.api.admin_commands import COMMANDS
from fieldward_server.api.authentication import ADMIN_PATH, administrator
from fieldward_server.api.commands import Call, Command
from fieldward_server.api.context import read_body, service
from fieldward_server.api.reports import by_name
from fieldward_server.services.administrators import admit_command
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol

MEDIA_TYPE = "application/json"

blueprint = Blueprint("admin_api", __name__, url_prefix=ADMIN_PATH)


def _view(name: str, command: Command) -> Callable[[str], Response]:
    def view(authority: str) -> Response:
        here, caller = service(), administrator()
        fields = command.read(_read_json())
        reason, now = fields.pop("reason"), here.now()
        admit_command(
            here.platform,
            caller,
            authority=authority,
            command=name,
            subject=command.subject(fields),
            reason=reason,
            needs_founding=not command.before_founding,
            now=now,
        )
        call = Call(here.platform, authority, caller.administrator, reason, now, fields)
        return _answer(command.run(call))

    return view


for _name, _command in COMMANDS.items():
    blueprint.add_url_rule(
        f"/<authority>/{_name}",
        endpoint=_name.replace("/", "_"),
        view_func=_view(_name, _command),
        methods=["POST"],
    )


def _read_json() -> object:
    if request.mimetype != MEDIA_TYPE:
        raise CallerMistake("wrong-media-type", f"Bodies of this call are {MEDIA_TYPE}.")
    try:
        return msgspec.json.decode(read_body())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise PeerBrokeProtocol("malformed", "The body is not JSON.") from e


def _answer(result: object) -> Response:
    named = by_name(result)
    if isinstance(named, list):
        named = {"items": named}
    return Response(msgspec.json.encode(named or {}), content_type=MEDIA_TYPE)
