"""Flask, but for what it does at every request and no request here needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from werkzeug.routing import MapAdapter


class Application(Flask):
    """Its handlers are plain functions, and what a request says of its ``Host`` means nothing."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """None of them is a coroutine: it need not be asked of each of them, each time."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """A route is found by path and method alone."""
        if request is None:
            return None
        return self.url_map.bind("", path_info=request.path, default_method=request.method)
