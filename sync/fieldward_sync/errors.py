"""Every error Fieldward raises: a few families, by what the caller does next.

A family answers "what now?"; the ``code`` says exactly what happened and never changes once it
has been published. Foreign exceptions are translated at the border where they arise.
"""

from __future__ import annotations


class Error(Exception):
    """The base of all of them.

    ``code`` is stable and meant for programs, ``message`` is for people, ``next_step`` says what
    to do about it.
    """

    next_step = "Report this with its code."

    def __init__(self, code: str, message: str, *, next_step: str | None = None) -> None:
        super().__init__(f"{message} [{code}]")
        self.code = code
        self.message = message
        if next_step is not None:
            self.next_step = next_step

    def diagnostics(self) -> str:
        """What a person needs to read: what happened, its code, and what to do next."""
        return f"{self.message} [{self.code}]\n{self.next_step}"


class CallerMistake(Error):
    """The arguments were wrong; nothing was changed. Mend the call."""

    next_step = "Correct what is named above and try again; nothing was changed."


class AccessClosed(Error):
    """This device may not show records now: lease over, clock untrusted, revoked, wiped."""

    next_step = "Connect and sync; if that does not open it, ask your sync administrator."


class RefusedByServer(Error):
    """The server understood and said no. Trying again unchanged will not help."""

    next_step = "Ask your sync administrator, naming the code."


class RetryLater(Error):
    """Something passing: no signal, a busy server, another process at work. Nothing is lost."""

    next_step = "Try again later; nothing is lost."


class PeerBrokeProtocol(Error):
    """What arrived is malformed, wrongly signed or not what was asked for. It was not used."""

    next_step = "Try again once; if it comes back, report the code: the other side misbehaves."


class LocalDataDamaged(Error):
    """Something stored here was cut, changed or lost. What is still good has been kept."""

    next_step = "Keep the folder as it is, sync to deliver what is left, and report the code."
