"""The service: HTTP API, jobs, storage and command line around ``fieldward_sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from fieldward_server.config import Config

__all__ = ["create_app"]


def create_app(config: Config, **ports: Any) -> Flask:
    """The Flask application; see ``fieldward_server.api.create_app``."""
    # Imported here: commands that do not serve should not wait for the web framework.
    from fieldward_server.api import create_app as create

    return create(config, **ports)
