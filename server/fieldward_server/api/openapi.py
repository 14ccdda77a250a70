"""The interface described in OpenAPI 3.1, and the page of each problem type."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from fieldward_server.api import admin_api
from fieldward_server.api.admin_commands import COMMANDS
from fieldward_server.api.authentication import ADMIN_PATH
from fieldward_server.api.command_fields import described_fields
from fieldward_server.api.commands import Command
from fieldward_server.api.device_api import MEDIA_TYPE
from fieldward_server.api.problems import KNOWN
from fieldward_server.api.problems import MEDIA_TYPE as PROBLEM
from fieldward_sync.errors import CallerMistake

blueprint = Blueprint("openapi", __name__)

Described = dict[str, Any]

_BINARY: Described = {"schema": {}}
_JSON: Described = {"schema": {"type": "object"}}
_TEXT: Described = {"schema": {"type": "string"}}

_BODY_CODES = ("malformed", "too-large", "wrong-kind", "wrong-media-type")
_SIGNATURE_CODES = ("digest-wrong", "signature-malformed", "signature-wrong", "unknown-key")
_CALLER_CODES = ("clock-skew", "counter-used")
_COMMAND_CODES = ("argument-malformed", "foreign-authority", "malformed", "too-large")
_INVITATION_CODES = (
    "assurance-too-low",
    "invitation-expired",
    "invitation-unknown",
    "invitation-used",
    "proof-wrong",
    "wipe-open",
)
_JOINING_CODES = ("device-closed", "device-full", "over-cap")
_ENQUIRY_CODES = (
    *(
        "assurance-too-low",
        "draining",
        "enquiries-used-up",
        "paused",
        "practitioner-needed",
        "revoked",
    ),
    *("suspended", "training-over", "vetting-over", "wiped"),
    *("key-malformed", "reason-unknown", "seal-broken", "term-unknown"),
    *("age-malformed", "born-malformed", "nhs-number-wrong", "sex-unknown"),
    *("search-empty", "search-too-long", "search-too-short"),
)
_PASSING_CODES = ("database-busy", "restore-unfinished")


@blueprint.get("/v1/openapi.json")
def document() -> Response:
    """This interface, described."""
    return jsonify(description())


@blueprint.get("/problems/<code>")
def problem(code: str) -> Response:
    """What a problem type means."""
    if code not in KNOWN:
        raise CallerMistake("not-found", "No problem has this type.")
    return Response(f"{KNOWN[code].title} [{code}]\n", content_type="text/plain; charset=utf-8")


def description() -> Described:
    """The OpenAPI document of every route."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fieldward API",
            "version": "1",
            "description": "What devices send is defined in docs/protocol.md.",
        },
        "paths": {
            "/v1/enrol": {"post": _enrol()},
            "/v1/join": {"post": _join()},
            "/v1/sync": {"post": _sync()},
            "/v1/enquiries": {"post": _enquire()},
            "/v1/trust/{authority}": {"get": _fetch_trust()},
            "/v1/files/{name}": {"get": _fetch_file()},
            "/v1/openapi.json": {"get": _plain("This document", "application/json", _JSON)},
            **{
                f"{ADMIN_PATH}/{{authority}}/{name}": {"post": _command(command)}
                for name, command in COMMANDS.items()
            },
            "/problems/{code}": {"get": _problem_page()},
            "/health/live": {"get": _plain("The process lives", "application/json", _JSON)},
            "/health/ready": {"get": _ready()},
        },
        "components": {
            "schemas": {"Problem": _problem_schema()},
            "securitySchemes": {"signature": _signature_scheme()},
        },
    }


def _enrol() -> Described:
    return _operation(
        "Register a device that holds an invitation code (EnrolRequest)",
        requestBody=_message_body(),
        responses={
            **_success("200", "EnrolAnswer", MEDIA_TYPE, _BINARY),
            **_refusals(*_BODY_CODES, *_SIGNATURE_CODES, *_INVITATION_CODES, *_PASSING_CODES),
        },
    )


def _join() -> Described:
    return _operation(
        "Let a practitioner who holds an invitation code in on a device (JoinRequest)",
        security=[{"signature": []}],
        requestBody=_message_body(),
        responses={
            **_success("200", "JoinAnswer", MEDIA_TYPE, _BINARY),
            **_refusals(
                *_BODY_CODES,
                *_SIGNATURE_CODES,
                *_CALLER_CODES,
                *_INVITATION_CODES,
                *_JOINING_CODES,
                *_PASSING_CODES,
            ),
        },
    )


def _sync() -> Described:
    return _operation(
        "Deliver what a device has, and learn what it may hold (SyncRequest)",
        security=[{"signature": []}],
        requestBody=_message_body(),
        responses={
            **_success("200", "SyncAnswer", MEDIA_TYPE, _BINARY),
            **_refusals(*_BODY_CODES, *_SIGNATURE_CODES, *_CALLER_CODES, *_PASSING_CODES),
        },
    )


def _enquire() -> Described:
    return _operation(
        "Ask for a child who is not on the device (EnquiryRequest)",
        security=[{"signature": []}],
        requestBody=_message_body(),
        responses={
            **_success("200", "EnquiryAnswer", MEDIA_TYPE, _BINARY),
            **_refusals(
                *_BODY_CODES, *_SIGNATURE_CODES, *_CALLER_CODES, *_ENQUIRY_CODES, *_PASSING_CODES
            ),
        },
    )


def _command(command: Command) -> Described:
    body = {"schema": described_fields(command.schema)}
    codes = _COMMAND_CODES if command.before_founding else (*_COMMAND_CODES, "not-founded")
    return _operation(
        command.summary,
        security=[{"signature": []}],
        parameters=[_parameter("authority", "path", {"type": "string", "pattern": r"^E[0-9]{8}$"})],
        requestBody={"required": True, "content": {admin_api.MEDIA_TYPE: body}},
        responses={
            **_success("200", command.summary, admin_api.MEDIA_TYPE, _JSON),
            **_refusals(
                *codes, "wrong-media-type", *_SIGNATURE_CODES, *_CALLER_CODES, *_PASSING_CODES
            ),
        },
    )


def _fetch_trust() -> Described:
    return _operation(
        "An authority's keys in force, as its root key signed them",
        parameters=[_parameter("authority", "path", _TEXT["schema"])],
        responses={
            **_success("200", "A packed Signed Trust", MEDIA_TYPE, _BINARY),
            **_refusals("unknown-authority", "not-founded", *_PASSING_CODES),
        },
    )


def _fetch_file() -> Described:
    octets = "application/octet-stream"
    return _operation(
        "A sealed file, whole or a range of it",
        parameters=[
            _parameter("name", "path", {"type": "string", "pattern": "^[0-9a-f]{64}$"}),
            _parameter("Range", "header", _TEXT["schema"]),
        ],
        responses={
            **_success("200", "The whole file", octets, _BINARY),
            **_success("206", "The range asked for", octets, _BINARY),
            "304": {"description": "Not modified: a file never changes"},
            **_refusals("not-found", "range-not-satisfiable"),
        },
    )


def _problem_page() -> Described:
    page = _plain("What a problem type means", "text/plain", _TEXT)
    page["parameters"] = [_parameter("code", "path", {"enum": sorted(KNOWN)})]
    page["responses"] |= _refusals("not-found")
    return page


def _ready() -> Described:
    ready = _plain("The process can work", "application/json", _JSON)
    ready["responses"] |= _refusals("not-ready")
    return ready


def _plain(summary: str, media_type: str, content: Described) -> Described:
    return _operation(summary, responses=_success("200", summary, media_type, content))


def _operation(summary: str, **parts: Any) -> Described:
    return {"summary": summary, **parts}


def _message_body() -> Described:
    return {"required": True, "content": {MEDIA_TYPE: _BINARY}}


def _parameter(name: str, place: str, schema: Described) -> Described:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _success(status: str, meaning: str, media_type: str, content: Described) -> Described:
    return {status: {"description": meaning, "content": {media_type: content}}}


def _refusals(*codes: str) -> Described:
    """One response for each status that the codes have; whatever else happens is a problem too."""
    by_status: dict[str, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(str(KNOWN[code].status), []).append(code)
    meanings = {status: ", ".join(of_status) for status, of_status in by_status.items()}
    return {
        status: {
            "description": meaning,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, meaning in {**meanings, "default": "Any other problem"}.items()
    }


def _problem_schema() -> Described:
    texts = ("type", "title", "detail", "code", "next_step", "request_id")
    return {
        "description": "RFC 9457 problem details",
        "type": "object",
        "required": [*texts, "status"],
        "properties": {
            **{name: {"type": "string"} for name in texts},
            "status": {"type": "integer"},
            "last_counter": {
                "type": "integer",
                "description": "The highest counter used, where the caller is known",
            },
            "mistakes": {
                "type": "array",
                "description": "What is wrong with each field of a command",
                "items": {
                    "type": "object",
                    "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                },
            },
            "parts": {
                "type": "array",
                "description": "How each part of a service is that cannot work",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "state": {"enum": ["ok", "hindered", "failed"]},
                        "message": {"type": "string"},
                    },
                },
            },
        },
    }


def _signature_scheme() -> Described:
    return {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "RFC 9421 in the one profile of docs/protocol.md, with Content-Digest and "
        "fieldward-counter; answers are signed and bound to it.",
    }
