"""Ten years in which a thousand devices come and go: what grows with them (``docs/bounds.md``)."""

from __future__ import annotations

from collections.abc import Iterator

from bench.results import Row
from bench.run import Run
from decade import Cast, Decade, Sizes
from fieldward_server.storage import open_storage
from growth import RULES, tables_by
from service_world import World

YEARS = (2, 8)


def ten_year_rows(run: Run) -> Iterator[Row]:
    """On SQLite, through the services themselves; the early figure is each row's baseline."""
    folder = run.folder / "ten-years"
    folder.mkdir()
    url = f"sqlite:///{folder / 'fieldward.db'}"
    storage = open_storage(url)
    storage.migrate()
    storage.close()
    world = World.on(url, folder)
    devices = run.scale.coming_and_going
    cast = Cast(devices, max(1, devices // 20), 2 * devices, ticks_a_year=2)
    try:
        early, late = _lived(Decade(world, cast))
    finally:
        world.platform.storage.close()
    for rule in sorted(RULES):
        before, after = (_rows(sizes, rule) for sizes in (early, late))
        yield Row(f"ten years: rows that grow with {rule}", after, "rows", baseline=before)
    for name, unit in (
        ("answer_bytes", "bytes"),
        ("device_bytes", "bytes"),
        ("shown_bytes_a_value", "bytes"),
        ("sealed_bytes_a_record", "bytes"),
        ("sync_milliseconds", "ms"),
    ):
        before, after = (getattr(sizes, name) for sizes in (early, late))
        yield Row(f"ten years: {name.replace('_', ' ')}", after, unit, baseline=before)


def _lived(decade: Decade) -> list[Sizes]:
    sizes = []
    for years in YEARS:
        decade.live(years)
        sizes.append(decade.sizes())
    return sizes


def _rows(sizes: Sizes, rule: str) -> int:
    return sum(sizes.rows[table] for table in tables_by(rule))
