"""The production server: gunicorn inside this process, workers that share one listening socket."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped] # has no types
from gunicorn.glogging import Logger  # type: ignore[import-untyped] # has no types

from fieldward_server.api import create_app
from fieldward_server.api.context import service_of
from fieldward_server.assembly import migrate
from fieldward_server.config import Config
from fieldward_server.jobs import start_jobs
from fieldward_sync.errors import CallerMistake

GRACE_SECONDS = 30
"""What a request under way gets when the server is told to stop."""

KEEP_ALIVE_SECONDS = 15


def serve(
    config: Config, *, announce: Callable[[str], None], address_file: Path | None = None
) -> None:
    """Migrate, listen, and answer until told to stop (SIGTERM lets requests end, SIGINT does not).

    ``announce`` gets the address once it takes connections; so does ``address_file``. Ends the
    process. Raises ``CallerMistake`` where it cannot start.
    """
    migrate(config)
    listener = _listen(config.listen_host, config.listen_port)
    config = config.listening_on(listener.getsockname()[1])

    def ready() -> None:
        address = f"http://{config.listen_address}"
        if address_file is not None:
            address_file.write_text(f"{address}\n")
        announce(address)

    _Server(config, listener, ready).run()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as e:
        raise CallerMistake(
            "cannot-listen",
            f"Cannot listen on {host} port {port}: {e.strerror}.",
            next_step="Free the port or choose another (listen_port; 0 takes a free one).",
        ) from e


class _Server(BaseApplication):  # type: ignore[misc] # its base has no types
    """gunicorn with our settings."""

    def __init__(self, config: Config, listener: socket.socket, ready: Callable[[], None]) -> None:
        self._config = config
        self._descriptor = listener.detach()
        self._ready = ready
        self._leave: Callable[[], None] = lambda: None
        super().__init__(prog="fieldward")

    def load_config(self) -> None:
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
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
        return app

    def _settings(self) -> dict[str, Any]:
        return {
            "bind": f"fd://{self._descriptor}",
            "workers": self._config.workers,
            "threads": self._config.threads,
            "worker_class": "gthread",
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": KEEP_ALIVE_SECONDS,
            "loglevel": self._config.log_level,
            "logger_class": _EventLogger,
            "control_socket_disable": True,
            "when_ready": lambda _arbiter: self._ready(),
            "worker_exit": lambda _arbiter, _worker: self._leave(),
        }


class _EventLogger(Logger):  # type: ignore[misc] # its base has no types
    """Everything gunicorn says goes where all events go."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
