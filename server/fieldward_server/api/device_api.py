"""What devices call: enrolment, the one round trip, enquiries, and sealed files."""

from __future__ import annotations

from flask import Blueprint, Response, request, send_file

from fieldward_server.api.authentication import caller, sign_answer_with, verify_own_signature
from fieldward_server.api.context import read_body, service
from fieldward_server.api.metrics import count_enquiry, count_sync
from fieldward_server.services.enquiries import enquire
from fieldward_server.services.enrolment import enrol as enrol_device
from fieldward_server.services.synchronisation import synchronise
from fieldward_sync.encoding import Message, MessageT, decode, encode
from fieldward_sync.enquiries import EnquiryRequest
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import EnrolRequest, SyncRequest

MEDIA_TYPE = "application/vnd.fieldward+msgpack"
A_YEAR_SECONDS = 365 * 24 * 3600

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


@blueprint.post("/sync")
def sync() -> Response:
    """Take what a device has to deliver, and say what it may hold."""
    here = service()
    message = _read(SyncRequest)
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


@blueprint.get("/files/<name>")
def fetch_file(name: str) -> Response:
    """A sealed file, whole or a range of it."""
    path = service().platform.files.path(name)
    if path is None:
        raise CallerMistake("not-found", "No file has this name, or it has been replaced.")
    response = send_file(
        path,
        mimetype="application/octet-stream",
        etag=name,
        conditional=True,
        max_age=A_YEAR_SECONDS,
    )
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response


def _read(kind: type[MessageT]) -> MessageT:
    if request.mimetype != MEDIA_TYPE:
        raise CallerMistake("wrong-media-type", f"Bodies of this call are {MEDIA_TYPE}.")
    return decode(kind, read_body(), max_bytes=service().config.max_request_bytes)


def _answer(message: Message) -> Response:
    return Response(encode(message), content_type=MEDIA_TYPE)
