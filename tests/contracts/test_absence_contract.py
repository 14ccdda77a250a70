"""A device that was away, however long, gets a coherent full answer (design §6, invariant 4)."""

from __future__ import annotations

from partition_history import Step, go_on, start
from service_world import World

A_FORTNIGHT, A_YEAR = 24 * 14, 24 * 365

LIFE = (
    Step("edit", 3),
    Step("leave", 4, away_hours=1),
    Step("hide", 5, away_hours=21),
    Step("return", 4, away_hours=19),
    *(Step("edit", number) for number in range(5)),
    Step("leave", 0, away_hours=A_FORTNIGHT),
    Step("come", 1),
    Step("hide", 1, away_hours=A_YEAR),
    *(Step("leave", number) for number in range(12)),
    Step("return", 2, away_hours=1),
)


def test_whatever_happened_meanwhile_few_files_with_few_stale_rows_bring_it_up_to_date(
    world: World,
) -> None:
    away = start(world, 12)
    for step in LIFE:
        go_on(world, step)
        if step.away_hours:
            away.come_back()
