"""Commits that fail, and processes that end right after one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction
from fieldward_sync.errors import RetryLater


@contextmanager
def failing_commit(platform: Platform) -> Iterator[None]:
    """Meanwhile transactions are carried out to their end, and none is committed."""
    transaction = platform.storage.transaction

    @contextmanager
    def failing() -> Iterator[Transaction]:
        with transaction() as opened:
            yield opened
            raise RetryLater("database-away", "The connection broke at the commit.")

    with patch.object(platform.storage, "transaction", failing):
        yield


def _killed(*_: object) -> None:
    raise SystemExit


@contextmanager
def killed_after_the_commit() -> Iterator[None]:
    """Something is opened, and the process dies before the register says so."""
    with (
        patch("fieldward_server.services.registering.write_committed", _killed),
        pytest.raises(SystemExit),
    ):
        yield
