"""A client that follows ``docs/protocol.md`` and shares no code with ours, at work.

It imports nothing of Fieldward's; the service is a process of its own.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import second_implementation
from children import AUTHORITY, PHONE, child
from fieldward_server.assembly import assemble, migrate
from fieldward_server.backups import restore_backup, write_backup
from fieldward_server.config import Config, load_config
from fieldward_server.services.custody.device_reports import DeviceReport, show_device
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.sealing import seal_partitions
from fieldward_server.services.distribution.ways import set_way
from fieldward_server.services.events import list_events
from fieldward_server.services.exchange.inbox import list_inbox
from fieldward_server.services.look_ups.journals import verify_journals
from fieldward_server.storage import journals
from fieldward_server.storage.journals import Journal
from fieldward_sync.access import Access, WipeState
from second_implementation import invitations
from second_implementation.administrator import Administrator
from second_implementation.client import Client, Refused
from second_implementation.encoding import read_document, unpack
from second_implementation.keys import hpke_open, label
from served import free_port, serving
from service_world import World

CASELOAD = "caseload"
CHILDREN = 12


@dataclass(frozen=True)
class Service:
    """The service, a process of its own, and what its administrator does to it from here."""

    world: World
    address: str


@dataclass(frozen=True)
class Field:
    """The service, and a client of its."""

    world: World
    client: Client

    def report(self) -> DeviceReport:
        """What an administrator sees of the client."""
        return show_device(
            self.world.platform,
            authority=AUTHORITY,
            device=self.client.device,
            now=int(time.time()),
        )


def settings_in(folder: Path) -> dict[str, str]:
    """A service on a free port, with its data in this folder."""
    port = free_port()
    return {
        "FIELDWARD_DATA_FOLDER": str(folder / "server"),
        "FIELDWARD_PUBLIC_AUTHORITY": f"127.0.0.1:{port}",
        "FIELDWARD_LISTEN_PORT": str(port),
        "FIELDWARD_SEAL_EVERY_SECONDS": "3600",
    }


def populated(config: Config) -> World:
    """A new database with a caseload, its files made."""
    migrate(config)
    world = World(assemble(config), now=int(time.time()))
    world.load(*(child(f"child-{number}") for number in range(CHILDREN)))
    world.partition(CASELOAD, "all")
    world.seal()
    return world


def enrolled(world: World, address: str) -> Client:
    """A new client."""
    client = Client(f"http://{address}", address)
    client.enrol(world.code(CASELOAD), passphrase="three random words", name="Second")
    return client


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    settings = settings_in(folder)
    world = populated(load_config(None, settings))
    with serving(settings, folder / "log"):
        yield Service(world, settings["FIELDWARD_PUBLIC_AUTHORITY"])
    world.platform.storage.close()


@pytest.fixture
def field(service: Service) -> Field:
    return Field(service.world, enrolled(service.world, service.address))


def test_a_client_from_the_document_does_a_days_work(field: Field) -> None:
    world, client = field.world, field.client

    client.sync()
    assert list(client.partitions) == [CASELOAD]
    hits = client.search("okáf", reason="home-visit")
    assert len(hits) == CHILDREN
    ada = client.open("child-3", reason="home-visit")
    counter = client.edit(ada, PHONE, "07700 900123", reason="home-visit")
    client.sync()

    _, number, outcome, code, feeds = client.verdicts[counter]
    assert (outcome, code) == ("merged", "")
    assert client.unsent == {}
    assert list_inbox(world.platform, AUTHORITY) == ()
    assert world.incidents() == []

    assert world.seal() == 1
    client.sync()
    held = client.partitions[CASELOAD]
    assert [[entry[0][4] for entry in held.manifest[7]], feeds] == [
        ["image", "segment"],
        [[CASELOAD, held.manifest[2]]],
    ]
    after = client.open("child-3", reason="home-visit")
    assert [PHONE, number, "07700 900123"] in after[3]
    assert [value for value in after[3] if value[0] == PHONE][1:] == []


def test_what_it_looked_up_is_sealed_in_one_journal_that_the_auditor_can_read(
    field: Field,
) -> None:
    world, client = field.world, field.client
    client.sync()
    client.search("Okafor", reason="clinic")
    client.sync()
    client.open("child-1", reason="clinic")
    client.open("child-2", reason="clinic")
    client.sync()

    (report,) = verify_journals(world.platform, AUTHORITY, device=client.device)
    assert (report.size, report.sealed_size, report.damage) == (3, 3, "")
    assert [look_up(field, sequence)[:5] for sequence in range(3)] == [
        ["search", "shown", "p-1", None, "clinic"],
        ["open", "shown", "p-1", None, "clinic"],
        ["open", "shown", "p-1", None, "clinic"],
    ]
    assert look_up(field, 0)[6] == {"beginning": "Okafor"}
    assert len({look_up(field, sequence)[9] for sequence in range(3)}) == 2  # opened from no search
    assert look_up(field, 2)[7] == ["child-2"]


def test_it_asks_on_line_for_who_is_not_on_it(field: Field) -> None:
    client = field.client
    client.sync()
    field.world.load(child("child-new", name={"family": "Whitcombe", "given": "Zoë"}))
    assert client.search("Whitcombe", reason="duty-desk") == []

    outcome, add, hits, view = client.enquire({"family": "Witcombe"}, reason="duty-desk")
    assert (outcome, add, view) == ("shown", [], None)
    ((record_id, family, given, *_),) = hits
    assert (record_id, family, given) == ("child-new", "Whitcombe", "Zoë")
    opened = client.open_on_line(record_id, reason="duty-desk")
    assert ["name.family", "Whitcombe"] in [[path, value] for path, _, value in opened[3]]

    with pytest.raises(Refused) as refused:
        client.enquire({"family": "Whitcombe"}, reason="curiosity")
    assert refused.value.code == "reason-unknown"


def look_up(field: Field, sequence: int) -> list[Any]:
    """A delivered look-up, opened with the audit key by hand."""
    client = field.client
    journal = Journal(AUTHORITY, client.device, client.generation)
    with field.world.platform.storage.reading() as transaction:
        entry = journals.entry(transaction, journal, sequence)
        assert entry is not None
        header = read_document("journal-entry", entry.header)
        payload, _ = unpack(journals.boxes(transaction, journal)[header[4]])
    box = read_document("box", payload)
    seed = field.world.secrets.audit_seed
    content_key = hpke_open(seed, label("box", *box[:6]), box[6])
    binding = hashlib.sha256(payload).digest()
    opened = AESGCM(content_key).decrypt(header[5].to_bytes(12, "big"), entry.body, binding)
    return read_document("look-up", opened)


def test_it_reads_what_is_held_warm_and_hears_of_what_is_tethered(service: Service) -> None:
    world = service.world
    command: dict[str, Any] = {"actor": "mo", "reason": "in-hiding", "now": int(time.time())}
    for way in ("warm", "tethered"):
        world.partition(f"held-{way}", "all")
        set_way(world.platform, authority=AUTHORITY, partition=f"held-{way}", way=way, **command)
    world.seal()
    client = Client(f"http://{service.address}", service.address)
    code = world.code("held-warm", "held-tethered")
    client.enrol(code, passphrase="three random words", name="Third")
    client.sync()
    assert client.on_line == {"held-tethered": "held-tethered"}
    assert list(client.partitions) == ["held-warm"]
    assert len(client.search("Okaf", reason="home-visit")) == CHILDREN
    lease = client.lease_id
    client.sync()
    assert client.lease_id == lease, "the keys are in memory: nothing is due"


def test_it_obeys_a_wipe_with_a_receipt_and_still_delivers(field: Field) -> None:
    world, client = field.world, field.client
    client.sync()
    ada = client.open("child-3", reason="home-visit")
    counter = client.edit(ada, PHONE, "07700 900124", reason="home-visit")
    order_wipe(
        world.platform,
        authority=AUTHORITY,
        device=client.device,
        actor="test",
        reason="lost",
        now=int(time.time()),
    )
    client.sync(locked=True)
    assert client.wiped
    assert client.partitions == {}
    assert client.receipts == []
    assert client.verdicts[counter][2] == "merged"
    wipe = field.report().wipe
    assert wipe is not None
    assert wipe.state is WipeState.DONE
    (report,) = verify_journals(world.platform, AUTHORITY, device=client.device)
    assert (report.size, report.sealed_size) == (1, 1)


def test_a_pause_reaches_it_while_it_is_locked_and_it_resumes(field: Field) -> None:
    client = field.client
    client.sync()
    for access, told in ((Access.PAUSED, "paused"), (Access.ACTIVE, "active")):
        set_access(
            field.world.platform,
            authority=AUTHORITY,
            device=client.device,
            access=access,
            actor="test",
            reason="mislaid",
            now=int(time.time()),
        )
        client.sync(locked=True)
        assert (client.access, client.receipts) == (told, [])
    done = [event.action for event in list_events(field.world.platform, AUTHORITY)]
    assert {"pause-done", "resume-done"} <= set(done)
    client.sync()
    assert client.search("Okafor", reason="home-visit")


def test_after_a_restore_it_delivers_again_what_the_backup_lacks(tmp_path: Path) -> None:
    before, backup = settings_in(tmp_path), tmp_path / "backup"
    config, now = load_config(None, before), int(time.time())
    world = populated(config)
    with serving(before, tmp_path / "log"):
        client = enrolled(world, before["FIELDWARD_PUBLIC_AUTHORITY"])
        client.sync()
        write(client, "child-1", "07700 900001")
        write_backup(config, backup, now=now)
        lost = write(client, "child-2", "07700 900002")
        assert client.verdicts[lost][2] == "merged"
    world.platform.storage.close()

    after = {**before, "FIELDWARD_DATABASE_URL": f"sqlite:///{tmp_path / 'restored.db'}"}
    root_keys = {AUTHORITY: world.secrets.root_private}
    restored = load_config(None, after)
    restore_backup(restored, backup, root_keys=root_keys, actor="test", now=now)
    platform = assemble(restored)
    seal_partitions(platform, now)
    with serving(after, tmp_path / "log"):
        client.sync()
        assert (client.trust.incarnation, client.verdicts[lost][2]) == (2, "merged")
        (report,) = verify_journals(platform, AUTHORITY, device=client.device)
        assert (report.size, report.sealed_size, report.forks) == (2, 2, 0)
        seal_partitions(platform, now)
        client.sync()
        for child_id, phone in (("child-1", "07700 900001"), ("child-2", "07700 900002")):
            view = client.open(child_id, reason="home-visit")
            assert [value for path, _, value in view[3] if path == PHONE] == [phone]
    platform.storage.close()


def write(client: Client, child_id: str, phone: str) -> int:
    """Look a child up, change a number, and deliver both."""
    opened = client.open(child_id, reason="home-visit")
    counter = client.edit(opened, PHONE, phone, reason="home-visit")
    client.sync()
    return counter


def test_an_administrator_from_the_document_commands_it(service: Service) -> None:
    world, address = service.world, service.address
    seed = world.secrets.administrator_key.private_bytes_raw()
    ann = Administrator(f"http://{address}", address, AUTHORITY, seed)
    assert ann.call("authority/show")["root_fingerprint"] == ann.fingerprint
    invited = ann.call(
        "device/invite", practitioner="p-1", partitions=[CASELOAD], valid_seconds=600
    )
    client = Client(f"http://{address}", address)
    client.enrol(invited["code"], passphrase="three random words", name="Tablet 8")
    client.sync()
    held = client.partitions[CASELOAD]
    assert held.manifest[3] == world.stored_partition(CASELOAD).records

    assert ann.call("device/wipe", device=client.device, reason="lost") == {"waits": False}
    client.sync(locked=True)
    shown = ann.call("device/show", device=client.device)
    assert (client.wiped, shown["wipe"]["state"]) == (True, "done")
    recorded = ann.call("authority/events", limit=2)["items"]
    assert [event["action"] for event in recorded] == ["device/show", "authority/events"]

    with pytest.raises(Refused) as refused:
        ann.call("inbox/list")
    assert (refused.value.code, [m["field"] for m in refused.value.mistakes]) == (
        "argument-malformed",
        ["reason"],
    )


def test_it_reads_why_it_is_refused(field: Field) -> None:
    unknown = invitations.make(bytes(11), bytes(16))
    with pytest.raises(Refused) as refused:
        field.client.enrol(unknown, passphrase="three random words", name="Third")
    assert refused.value.code == "invitation-unknown"


def test_nothing_of_fieldward_is_in_it() -> None:
    folder = Path(second_implementation.__file__).parent
    modules = ", ".join(
        f"second_implementation.{path.stem}" for path in folder.glob("*.py") if path.stem[0] != "_"
    )
    asked = f"import sys, {modules}; print([m for m in sys.modules if m.startswith('fieldward')])"
    found = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": str(folder.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\n"
