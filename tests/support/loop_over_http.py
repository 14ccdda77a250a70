"""The loop behind a real HTTP server on loopback, in this process, for devices that know only
an address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from loop import Loop


class HttpLoop(Loop):
    """The loop at an address. Without ``signal`` a connection breaks off before an answer comes."""

    def __init__(self, folder: Path) -> None:
        self.signal = True
        # The port is known once it is taken, and the application is made for that address.
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=self._line()
        )
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        super().__init__(folder, host=f"127.0.0.1:{self._server.port}")
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread.start()

    def close(self) -> None:
        """Stop serving, and let go of the database."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        super().close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self.app(environ, start_response)

    def _line(self) -> type[WSGIRequestHandler]:
        loop = self

        class Line(WSGIRequestHandler):
            """Says nothing on stderr: what commands say there is under test."""

            def handle(self) -> None:
                if loop.signal:
                    super().handle()

            def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - as inherited
                pass

        return Line


@contextmanager
def http_loop(folder: Path) -> Iterator[HttpLoop]:
    """A loop at an address for the length of the block."""
    loop = HttpLoop(folder)
    try:
        yield loop
    finally:
        loop.close()
