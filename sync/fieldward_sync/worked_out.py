"""What a value is worked out to be once, and then has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class worked_out(Generic[T]):  # noqa: N801 # it is written as a decorator
    """A property of a value that does not change, worked out when it is first asked for.

    As ``functools.cached_property``, which up to Python 3.11 takes a lock each time: that takes
    longer than most of what is worked out of a record. Two threads that ask at once both work it
    out, and come to the same.
    """

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out = work_out
        self._name = work_out.__name__
        self.__doc__ = work_out.__doc__

    @overload
    def __get__(self, value: None, kind: type[object]) -> Self: ...

    @overload
    def __get__(self, value: object, kind: type[object]) -> T: ...

    def __get__(self, value: object | None, kind: type[object]) -> T | Self:
        if value is None:
            return self
        # Found there from now on, before this is asked.
        found = value.__dict__[self._name] = self._work_out(value)
        return found
