"""A device that asks on line, and what of that is on record."""

from __future__ import annotations

from children import AUTHORITY, child
from field_device import FieldDevice
from fieldward_server.services.look_ups.journals import list_sealed_look_ups
from fieldward_server.services.look_ups.sealed_look_ups import DeliveredLookUp, open_look_ups
from fieldward_sync.enquiries import Enquired, Enquiry
from fieldward_sync.journal import LookUp
from service_world import World

ADA = {"family": "Okafor", "given": "Ada", "born": "2021-03-04"}


def asking_device(world: World) -> FieldDevice:
    """A device that holds nobody, of an authority with a few children."""
    world.load(
        child("ada"),
        child("kofi", name={"family": "Mensah", "given": "Kofi"}, born="2019-11-20"),
        child("zuzana", name={"family": "Šťastná", "given": "Zuzana"}, born="2020-02-29"),
    )
    return world.device()


def nobody(device: FieldDevice) -> Enquiry:
    """A search that finds no child."""
    return device.enquiry({"family": "Quickenborough", "born": "2011-01-01"})


def found(enquired: Enquired) -> list[str]:
    """Whom an answer names, in its order."""
    return [hit.record_id for hit in enquired.hits]


def on_record(world: World, device: str | None = None) -> list[DeliveredLookUp]:
    """All look-ups there are on record, as who holds the audit key reads them."""
    page = list_sealed_look_ups(world.platform, AUTHORITY, device=device)
    assert page.after is None
    return list(open_look_ups(page, [world.secrets.audit_seed]))


def last_look_up(world: World) -> LookUp:
    """What was put on record last."""
    look_up = on_record(world)[-1].look_up
    assert look_up is not None
    return look_up
