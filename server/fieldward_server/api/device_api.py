"""What devices call: enrolment, joining, the one round trip, enquiries, and sealed files."""

from __future__ import annotations

from contextlib import ExitStack
from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.wsgi import FileWrapper

from fieldward_server.admission import Place
from fieldward_server.api.authentication import caller, sign_answer_with, verify_own_signature
from fieldward_server.api.context import read_body, service
from fieldward_server.api.metrics import count_enquiry, count_sync
from fieldward_server.services.authorities import published_trust
from fieldward_server.services.custody.enrolment import enrol as enrol_device
from fieldward_server.services.custody.joining import join as join_device
from fieldward_server.services.exchange.synchronisation import synchronise
from fieldward_server.services.look_ups.enquiries import enquire
from fieldward_sync.encoding import Message, MessageT, decode, encode
from fieldward_sync.enquiries import EnquiryRequest
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import EnrolRequest, JoinRequest, SyncRequest
from fieldward_sync.problems import TURN_HEADER

MEDIA_TYPE = "application/vnd.fieldward+msgpack"
A_YEAR_SECONDS = 365 * 24 * 3600
PIECE_BYTES = 64 * 1024
"""A file is sent in such pieces, each of which the worker gives a time to be taken in."""
SMALL_BYTES = 64 * 1024
"""What is no longer than this never waits in line: a day's changes, the rest of a download."""
_WITH_CONTENT = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)

blueprint = Blueprint("device_api", __name__, url_prefix="/v1")


@blueprint.post("/enrol")
def enrol() -> Response:
    """Register a device that holds an invitation code."""
    here = service()
    message = _read(EnrolRequest)
    signature = verify_own_signature(message.device_key)
    answer, key = enrol_device(here.platform, message, counter=signature.counter, now=here.now())
    sign_answer_with(answer.authority, key)
    return _answer(answer)


@blueprint.post("/join")
def join() -> Response:
    """Let a practitioner in, who holds an invitation code, on the device that asks."""
    here = service()
    return _answer(join_device(here.platform, caller(), _read(JoinRequest), now=here.now()))


@blueprint.post("/sync")
def sync() -> Response:
    """Take what a device has to deliver, and say what it may hold."""
    here = service()
    message = _read(SyncRequest)
    with ExitStack() as until_done:
        if _fetches_everything(message):
            until_done.callback(_enter_line().leave)
        done = synchronise(here.platform, caller(), message, now=here.now())
    count_sync(message, done.answer, complete=done.complete)
    return _answer(done.answer)


@blueprint.post("/enquiries")
def answer_enquiry() -> Response:
    """Answer a practitioner who asks for a child who is not on the device."""
    here = service()
    message = _read(EnquiryRequest)
    done = enquire(here.platform, caller(), message, now=here.now())
    count_enquiry(done.outcome)
    return _answer(done.answer)


@blueprint.get("/trust/<authority>")
def fetch_trust(authority: str) -> Response:
    """The keys in force of an authority, as its root key signed them: they vouch for themselves."""
    published = published_trust(service().platform, authority)
    return Response(published.trust, content_type=MEDIA_TYPE)


@blueprint.get("/files/<name>")
def fetch_file(name: str) -> Response:
    """A sealed file, whole or a range of it."""
    path = service().platform.files.path(name)
    if path is None:
        raise CallerMistake("not-found", "No file has this name, or it has been replaced.")
    pieces = _Pieces(path.open("rb"), PIECE_BYTES)
    with ExitStack() as undo:
        undo.callback(pieces.close)
        response = Response(pieces, mimetype="application/octet-stream", direct_passthrough=True)
        response.set_etag(name)
        response.cache_control.public = True
        response.cache_control.max_age = A_YEAR_SECONDS
        response.cache_control.immutable = True
        response.content_length = size = path.stat().st_size
        response.make_conditional(request.environ, accept_ranges=True, complete_length=size)
        if response.status_code in _WITH_CONTENT and response.content_length > SMALL_BYTES:
            pieces.place = _enter_line()
        undo.pop_all()
    return response


class _Pieces(FileWrapper):
    """A file on its way out, and the place that it takes until it is closed."""

    place: Place | None = None

    def close(self) -> None:
        super().close()
        if self.place is not None:
            self.place.leave()


def _enter_line() -> Place:
    return service().waiting_line.enter(request.headers.get(TURN_HEADER, ""))


def _fetches_everything(asked: SyncRequest) -> bool:
    """Whether a device that holds nothing asks for all: a first sync, or the first after a loss.

    What a device has to deliver never waits in line.
    """
    delivers = asked.journal or asked.edits or asked.receipts
    return asked.next_hpke_key is not None and not (asked.held.number or asked.more or delivers)


def _read(kind: type[MessageT]) -> MessageT:
    if request.mimetype != MEDIA_TYPE:
        raise CallerMistake("wrong-media-type", f"Bodies of this call are {MEDIA_TYPE}.")
    return decode(kind, read_body(), max_bytes=service().config.max_request_bytes)


def _answer(message: Message) -> Response:
    return Response(encode(message), content_type=MEDIA_TYPE)
