"""The production server: gunicorn inside this process, workers that share one listening socket."""

from __future__ import annotations

import gc
import logging
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped] # has no types
from gunicorn.glogging import Logger  # type: ignore[import-untyped] # has no types

from fieldward_server import metrics
from fieldward_server.api import create_app
from fieldward_server.api.context import service_of
from fieldward_server.api.metrics import MetricsPage
from fieldward_server.assembly import migrate
from fieldward_server.config import Config
from fieldward_server.jobs import start_jobs
from fieldward_server.logs import event
from fieldward_server.workers import Worker
from fieldward_sync.errors import CallerMistake

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GRACE_SECONDS = 30
"""What a request under way gets when the server is told to stop."""

KEEP_ALIVE_SECONDS = 15

NEW_OBJECTS_TO_COLLECT = 50_000
"""After as many, a worker looks for cycles among them: records that are loaded or edited make
no cycles, but many objects, and Python's own 700 took a sixth of a load's time."""

_IN_MEMORY = "/dev/shm"
"""Where each worker says at every event that it is alive; elsewhere that may be a disk."""

_logger = logging.getLogger(__name__)


def serve(
    config: Config, *, announce: Callable[[str], None], address_file: Path | None = None
) -> None:
    """Migrate, listen, and answer until told to stop (SIGTERM lets requests end, SIGINT does not).

    ``announce`` gets the address once it takes connections; so does ``address_file``. Ends the
    process. Raises ``CallerMistake`` where it cannot start.
    """
    migrate(config)
    listener = _listen(config.listen_host, config.listen_port, setting="listen_port")
    config = config.listening_on(listener.getsockname()[1])
    for_metrics = None
    if config.metrics_address is not None:
        for_metrics = _listen(*config.metrics_address, setting="metrics_listen")
        metrics.share_between_workers(config.metrics_folder)

    def ready() -> None:
        address = f"http://{config.listen_address}"
        if address_file is not None:
            address_file.write_text(f"{address}\n")
        event(_logger, "server.listening", address=address, metrics=config.metrics_listen)
        announce(address)

    _Server(config, listener, for_metrics, ready).run()


def _listen(host: str, port: int, *, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as e:
        raise CallerMistake(
            "cannot-listen",
            f"Cannot listen on {host} port {port}: {e.strerror}.",
            next_step=f"Free the port or choose another ({setting}; 0 takes a free one).",
        ) from e


class _Server(BaseApplication):  # type: ignore[misc] # its base has no types
    """gunicorn with our settings."""

    def __init__(
        self,
        config: Config,
        listener: socket.socket,
        for_metrics: socket.socket | None,
        ready: Callable[[], None],
    ) -> None:
        self._config = config
        self._metrics_port = for_metrics.getsockname()[1] if for_metrics else None
        self._descriptors = [each.detach() for each in (listener, for_metrics) if each]
        self._ready = ready
        self._leave: Callable[[], None] = lambda: None
        super().__init__(prog="fieldward")

    def load_config(self) -> None:
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """A worker's own application, after the fork; it also offers to run the jobs."""
        app = create_app(self._config)
        here = service_of(app)
        stop_jobs = start_jobs(
            here.platform, here.now, seal_every_seconds=self._config.seal_every_seconds
        )

        def leave() -> None:
            stop_jobs()
            here.platform.storage.close()

        self._leave = leave
        gc.freeze()
        gc.set_threshold(NEW_OBJECTS_TO_COLLECT)
        if self._metrics_port is None:
            return app
        return _by_listener(app, MetricsPage(app), port=self._metrics_port)

    def _settings(self) -> dict[str, Any]:
        return {
            "bind": [f"fd://{descriptor}" for descriptor in self._descriptors],
            "workers": self._config.workers,
            "threads": self._config.threads,
            "worker_class": Worker,
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": KEEP_ALIVE_SECONDS,
            "logger_class": _EventLogger,
            "worker_tmp_dir": _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None,
            "control_socket_disable": True,
            "when_ready": lambda _arbiter: self._ready(),
            "worker_exit": lambda _arbiter, _worker: self._leave(),
            "on_exit": lambda _arbiter: metrics.stop_sharing(self._config.metrics_folder),
            "child_exit": lambda _arbiter, worker: metrics.worker_ended(worker.pid),
        }


def _by_listener(devices: WSGIApplication, page: WSGIApplication, *, port: int) -> WSGIApplication:
    """Whoever connected to the page's own port gets the page, and nobody else does.

    What decides is the connection's own address, which no header can change.
    """

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        connected_to = environ["gunicorn.socket"].getsockname()
        chosen = page if connected_to[1] == port else devices
        return chosen(environ, start_response)

    return application


class _EventLogger(Logger):  # type: ignore[misc] # its base has no types
    """What gunicorn says of itself goes where all events go, at their level; never finer than its
    INFO, because it then repeats requests."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.setLevel(max(logging.INFO, logging.getLogger().level))
        self.error_log.handlers.clear()
        self.error_log.propagate = True
