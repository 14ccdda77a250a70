"""Whether this process lives, and whether it can work; for load balancers."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, jsonify

from fieldward_server.api.context import service
from fieldward_server.jobs import longest_seconds
from fieldward_server.services.upkeep.readiness import require_ready

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
def live() -> Response:
    """Answers as long as the process does."""
    return jsonify(status="live")


@blueprint.get("/ready")
def ready() -> Response:
    """How each part is; the problem "not-ready" where one of them stops the work."""
    here = service()
    parts = require_ready(
        here.platform,
        longest_seconds=longest_seconds(seal_every_seconds=here.config.seal_every_seconds),
        now=here.now(),
    )
    hindered = any(part.state != "ok" for part in parts)
    return jsonify(
        status="hindered" if hindered else "ready", parts=[asdict(part) for part in parts]
    )
