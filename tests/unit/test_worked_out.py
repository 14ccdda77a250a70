"""What is worked out of a value that does not change is worked out once."""

from __future__ import annotations

from msgspec import Struct

from fieldward_sync.worked_out import worked_out

worked = list[int]()


class Number(Struct, frozen=True, dict=True):
    value: int

    @worked_out
    def twice(self) -> int:
        """As much again."""
        worked.append(self.value)
        return 2 * self.value


def test_it_is_worked_out_when_it_is_asked_for_and_then_kept() -> None:
    worked.clear()
    number, other = Number(3), Number(4)
    assert worked == []
    assert [number.twice, number.twice, other.twice] == [6, 6, 8]
    assert worked == [3, 4]


def test_it_is_described_as_any_property_is() -> None:
    assert Number.twice.__doc__ == "As much again."
