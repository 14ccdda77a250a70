"""The Flask application: handlers parse, call a service and render; they hold no rule."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from flask import Flask

from fieldward_server.admission import WaitingLine
from fieldward_server.api import (
    access_log,
    admin_api,
    authentication,
    device_api,
    health,
    metrics,
    openapi,
    problems,
)
from fieldward_server.api.context import Service
from fieldward_server.assembly import assemble
from fieldward_server.config import Config
from fieldward_sync.keys import derive
from fieldward_sync.sealing import Entropy


def create_app(
    config: Config,
    *,
    now: Callable[[], int] = lambda: int(time.time()),
    entropy: Entropy = os.urandom,
) -> Flask:
    """The application, refusing whatever is not signed and not on the short list of exceptions.

    The database must have been migrated. ``now`` gives whole seconds since 1970 UTC. Raises
    ``CallerMistake`` where the settings lead nowhere.
    """
    app = Flask("fieldward_server", static_folder=None)
    # One more than is allowed: a body of unknown length that reaches the limit is cut off there
    # without a word, and ``read_body`` has to see that it was longer.
    app.config["MAX_CONTENT_LENGTH"] = config.max_request_bytes + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # no answer sends anybody elsewhere
    platform = assemble(config, entropy=entropy)
    line = WaitingLine(
        config.downloads, derive(platform.master_keys.in_force, "turn"), now=time.time
    )
    Service(config=config, platform=platform, now=now, waiting_line=line).attach(app)
    # Flask runs what comes after a request in reverse order: the log is written last.
    access_log.install(app)
    metrics.install(app)
    authentication.install(app)
    problems.install(app)
    for part in (admin_api, device_api, health, openapi):
        app.register_blueprint(part.blueprint)
    return app
