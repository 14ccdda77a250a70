"""Refusals as RFC 9457 problems: the one place where an error becomes a status.

A code in ``KNOWN`` has a page under ``/problems/<code>``, which is the problem's type. Any other
takes the status of its error's family, and the type ``about:blank``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus

import msgspec
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from fieldward_server.api.commands import CommandMalformed
from fieldward_server.logs import failure, request_id
from fieldward_server.services.authentication import NotAuthenticated
from fieldward_server.services.upkeep.readiness import NotReady
from fieldward_sync.errors import (
    AccessClosed,
    CallerMistake,
    Error,
    LocalDataDamaged,
    PeerBrokeProtocol,
    RefusedByServer,
    RetryLater,
)
from fieldward_sync.problems import TURN_HEADER, Crowded

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """What all problems with one code have in common."""

    status: int
    title: str


KNOWN = {
    "administrator-exists": Kind(409, "This id or key is an administrator's, or was"),
    "age-malformed": Kind(400, "This is not an age in whole years"),
    "argument-malformed": Kind(400, "An argument is not as it should be"),
    "assurance-too-low": Kind(403, "The device keeps its secret in a place that is refused here"),
    "authority-founded": Kind(409, "The authority has been founded"),
    "born-malformed": Kind(400, "There is no such birth date"),
    "clock-skew": Kind(401, "Signed too long ago, or by a clock that is ahead"),
    "counter-used": Kind(409, "The request's counter was used before, or is too old to tell"),
    "crowded": Kind(503, "Many are fetching their copies at once; others come first"),
    "database-busy": Kind(503, "The database cannot take this now"),
    "device-closed": Kind(403, "Access to the device is closed"),
    "device-full": Kind(403, "The device has as many practitioners as it can"),
    "digest-wrong": Kind(400, "The body is not the one that was signed"),
    "draining": Kind(403, "The device is given nothing new any more"),
    "enquiries-used-up": Kind(403, "No more enquiries are allowed within this day"),
    "foreign-authority": Kind(403, "An administrator commands for one authority alone"),
    "internal": Kind(500, "The server failed"),
    "invitation-expired": Kind(403, "The invitation has expired"),
    "invitation-unknown": Kind(403, "No invitation has this code"),
    "invitation-used": Kind(403, "This code has been used already"),
    "key-malformed": Kind(400, "Nothing can be sealed to this key"),
    "last-administrator": Kind(409, "An authority keeps at least one administrator"),
    "malformed": Kind(400, "The body is not what this protocol sends"),
    "method-not-allowed": Kind(405, "This address does not take this method"),
    "nhs-number-wrong": Kind(400, "This is not an NHS number"),
    "not-found": Kind(404, "There is nothing at this address"),
    "not-founded": Kind(409, "The authority has no keys of its own yet"),
    "not-ready": Kind(503, "The server cannot work at the moment"),
    "over-cap": Kind(409, "The device would hold more records than its cap"),
    "paused": Kind(403, "The device is paused"),
    "practitioner-needed": Kind(403, "A device's own key does not do for this"),
    "proof-wrong": Kind(403, "The proof does not fit the invitation"),
    "range-not-satisfiable": Kind(416, "The file has no such range"),
    "reason-needed": Kind(400, "A cap above the default is given for a reason"),
    "reason-unknown": Kind(400, "This is none of the reasons to look anybody up"),
    "register-behind": Kind(503, "Done, and not yet on the register that outlives the database"),
    "register-refused": Kind(503, "The register that outlives the database cannot be written"),
    "request-unreadable": Kind(400, "This is not a request that can be read"),
    "restore-unfinished": Kind(503, "The authority is being restored"),
    "revoked": Kind(403, "The device has been revoked"),
    "seal-broken": Kind(400, "What was sealed does not open here"),
    "search-empty": Kind(400, "Nothing to search for was given"),
    "search-too-long": Kind(400, "A term to search for is too long"),
    "search-too-short": Kind(400, "This is too little to search by"),
    "sex-unknown": Kind(400, "A sex to search for is female or male"),
    "signature-malformed": Kind(401, "Unsigned, or not signed in the one profile"),
    "signature-wrong": Kind(401, "The signature does not hold"),
    "suspended": Kind(403, "The practitioner is suspended"),
    "term-unknown": Kind(400, "Nobody can be searched for by this term"),
    "too-large": Kind(413, "The body is longer than the server reads"),
    "training-over": Kind(403, "The practitioner's training has run out"),
    "unknown-authority": Kind(404, "There is no such authority here"),
    "unknown-key": Kind(401, "Nobody known here holds this key"),
    "vetting-over": Kind(403, "The practitioner's vetting has run out"),
    "wipe-open": Kind(403, "A wipe of this device has not been confirmed"),
    "wiped": Kind(403, "A wipe of the device was ordered"),
    "wrong-kind": Kind(400, "The body is a message of another kind than this call takes"),
    "wrong-media-type": Kind(415, "The body's media type is not this call's"),
}

_STATUS_OF_FAMILY: dict[type[Error], int] = {
    CallerMistake: 400,
    PeerBrokeProtocol: 400,
    AccessClosed: 403,
    RefusedByServer: 403,
    RetryLater: 503,
    LocalDataDamaged: 500,
}

_CODE_OF_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    416: "range-not-satisfiable",
}

_KEPT_HEADERS = ("Allow", "Content-Range")


def install(app: Flask) -> None:
    """Render every error of ``app`` as a problem."""
    app.register_error_handler(Error, _refused)
    app.register_error_handler(HTTPException, _refused_by_http)
    app.register_error_handler(Exception, _failed)


def kind_of(error: Error) -> Kind:
    """What the error's code stands for over HTTP, or else its family."""
    if error.code in KNOWN:
        return KNOWN[error.code]
    status = next(status for kind, status in _STATUS_OF_FAMILY.items() if isinstance(error, kind))
    return Kind(status, HTTPStatus(status).phrase)


def problem_type(code: str) -> str:
    """The problem type of a code: the address of its page, where it has one."""
    return f"/problems/{code}" if code in KNOWN else "about:blank"


def _refused(error: Error) -> Response:
    kind = kind_of(error)
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, Crowded):
        failure(_logger, "request.failed", error)
    response = _problem(
        kind, _further(error), code=error.code, detail=error.message, next_step=error.next_step
    )
    if isinstance(error, Crowded):
        response.headers["Retry-After"] = str(error.after_seconds)
        response.headers[TURN_HEADER] = error.turn
    elif isinstance(error, RetryLater):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _further(error: Error) -> dict[str, object]:
    """What this error alone can tell."""
    match error:
        case NotAuthenticated(last_counter=int(counter)):
            return {"last_counter": counter}
        case CommandMalformed(mistakes=mistakes):
            return {"mistakes": [msgspec.structs.asdict(mistake) for mistake in mistakes]}
        case NotReady(parts=parts):
            return {"parts": [asdict(part) for part in parts]}
        case _:
            return {}


def _refused_by_http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    code = _CODE_OF_STATUS.get(status, "malformed")
    response = _problem(
        Kind(status, KNOWN[code].title),
        {},
        code=code,
        detail=error.description or "",
        next_step=CallerMistake.next_step,
    )
    for name, value in error.get_headers():
        if name in _KEPT_HEADERS:
            response.headers[name] = value
    return response


def _failed(error: Exception) -> Response:
    """What nobody foresaw: its place goes into the log, nothing of it to the caller."""
    failure(_logger, "request.failed", error)
    return _problem(
        KNOWN["internal"],
        {},
        code="internal",
        detail="Something went wrong here; nothing was changed.",
        next_step="Try again later; if it comes back, report the request id.",
    )


def problem_members(kind: Kind, code: str, **words: str) -> dict[str, object]:
    """A problem's members, but for what one error alone can tell."""
    return {
        "type": problem_type(code),
        "title": kind.title,
        "status": kind.status,
        "code": code,
        **words,
        "request_id": request_id.get(),
    }


def _problem(kind: Kind, further: Mapping[str, object], *, code: str, **words: str) -> Response:
    g.problem_code = code
    members = {**problem_members(kind, code, **words), **further}
    return Response(json.dumps(members), status=kind.status, content_type=MEDIA_TYPE)
