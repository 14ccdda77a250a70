"""Whether this process lives, and whether it can work; for load balancers."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from fieldward_server.api.context import service
from fieldward_sync.errors import RetryLater

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
def live() -> Response:
    """Answers as long as the process does."""
    return jsonify(status="live")


@blueprint.get("/ready")
def ready() -> Response:
    """Answers only where the database is reached and as this version needs it."""
    if service().platform.storage.pending_migrations():
        raise RetryLater("not-ready", "The database waits for its migrations.")
    return jsonify(status="ready")
