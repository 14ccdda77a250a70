"""Sync when things go wrong: lost answers, wrong clocks, broken downloads, damaged files."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from client_world import PASSPHRASE, PHONE, SERVER_URL, World
from fieldward_client import (
    AccessClosed,
    CallerMistake,
    Device,
    LocalDataDamaged,
    RefusedByServer,
    RetryLater,
    SyncOutcome,
    SyncProgress,
)
from fieldward_client.copies.files import FILES, PARTIAL, SealedFiles
from fieldward_client.wire import patience
from fieldward_sync.distribution import FileEntry


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    return world.ready()


def family_names(device: Device) -> set[str]:
    with device.session("clinic") as session:
        return {str(session.open(each)["name.family"]) for each in ("r-ada", "r-ben")}


def sealed_files(world: World) -> list[Path]:
    return sorted((world.home() / FILES).iterdir())


# --- Enrolment ----------------------------------------------------------------------------------


def enrol(world: World, code: str, passphrase: str = PASSPHRASE, name: str = "tablet") -> Device:
    return Device.enrol(
        world.home(name),
        SERVER_URL,
        code,
        passphrase=passphrase,
        clock=world.clock,
        transport=world.authority,
    )


def test_a_lost_answer_to_an_enrolment_is_asked_for_again(world: World) -> None:
    code = world.authority.invite("p-1", "p-west")
    world.authority.loses_answers = 2
    for _ in range(2):
        with pytest.raises(RetryLater, match="offline"):
            enrol(world, code)
    with enrol(world, code) as device:
        assert device.sync().outcome is SyncOutcome.COMPLETE
    assert len(world.authority.devices) == 1
    with pytest.raises(CallerMistake, match="already-enrolled"):
        enrol(world, code)


def test_a_retry_needs_the_passphrase_that_was_chosen(world: World) -> None:
    code = world.authority.invite("p-1", "p-west")
    world.authority.loses_answers = 1
    with pytest.raises(RetryLater):
        enrol(world, code)
    with pytest.raises(AccessClosed, match=r"begun with another passphrase.*passphrase-wrong"):
        enrol(world, code, passphrase="another passphrase")
    enrol(world, code).close()


def test_another_code_starts_over(world: World) -> None:
    world.authority.loses_answers = 1
    with pytest.raises(RetryLater):
        enrol(world, world.authority.invite("p-1", "p-west"))
    enrol(world, world.authority.invite("p-1", "p-west"), passphrase="another passphrase").close()


def test_a_used_code_is_refused(world: World) -> None:
    code = world.authority.invite("p-1", "p-west")
    enrol(world, code).close()
    with pytest.raises(RefusedByServer, match="invitation-used"):
        enrol(world, code, name="second")
    with pytest.raises(CallerMistake, match="not-enrolled"):
        world.open("second")


def test_a_mistyped_code_is_noticed_before_anything_is_sent(world: World) -> None:
    with pytest.raises(CallerMistake, match="code-mistyped"):
        enrol(world, "AAAAAA-BBBBBB")
    with pytest.raises(CallerMistake, match="passphrase-short"):
        enrol(world, world.authority.invite("p-1"), passphrase="short")
    with pytest.raises(CallerMistake, match="device-name"):
        Device.enrol(
            world.home(),
            SERVER_URL,
            world.authority.invite("p-1"),
            passphrase=PASSPHRASE,
            name="Zoë's tablet",
            transport=world.authority,
        )
    assert world.authority.log == []


def test_a_device_with_a_wrong_clock_enrols_and_works(world: World) -> None:
    world.clock.wall_is_off_by = -3 * 86_400
    with world.ready() as device:
        assert family_names(device) == {"Okafor", "Whitcombe"}


# --- Delivering ---------------------------------------------------------------------------------


def test_a_sync_without_signal_is_an_outcome(world: World, tablet: Device) -> None:
    """P15, P18"""
    world.authority.offline = True
    report = tablet.sync()
    assert (report.outcome, report.error and report.error.code) == (SyncOutcome.OFFLINE, "offline")
    assert family_names(tablet) == {"Okafor", "Whitcombe"}


def test_answers_that_get_lost_change_nothing(world: World, tablet: Device) -> None:
    with tablet.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    world.authority.set_fields("r-ben", {"name.family": "Newname"})
    world.authority.publish_all()
    world.clock.advance(hours=30)
    world.authority.loses_answers = 3
    for _ in range(3):
        assert tablet.sync().outcome is SyncOutcome.OFFLINE
    assert tablet.status().pending_edits == 1
    report = tablet.sync()
    assert report.outcome is SyncOutcome.COMPLETE
    assert report.lease_renewed
    assert [v.outcome for v in report.verdicts] == ["merged"]
    assert family_names(tablet) == {"Okafor", "Newname"}
    assert len({r.next_hpke_key for r in world.authority.devices["d-1"].requests[1:]}) == 1
    assert len(world.authority.look_ups("d-1")) == 1


def test_a_long_day_is_delivered_in_requests_of_64_kib(world: World, tablet: Device) -> None:
    told: list[SyncProgress] = []
    with tablet.session("duty-desk") as session:
        child = session.open("r-ada")
        for number in range(600):
            child.edit(PHONE, f"07700 {number:06}")
        for _ in range(300):
            session.search(family="Okafor")
    report = tablet.sync(told.append)
    assert (report.outcome, report.edits_sent, report.look_ups_sent) == (
        SyncOutcome.COMPLETE,
        600,
        301,
    )
    requests = world.authority.devices["d-1"].requests[1:]
    assert len(requests) > 2
    assert [request.more for request in requests] == [True] * (len(requests) - 1) + [False]
    assert [r.next_hpke_key is None for r in requests] == [True] * (len(requests) - 1) + [False]
    assert world.authority.value("r-ada", PHONE) == "07700 000599"
    assert len(world.authority.look_ups("d-1")) == 301
    shares = [progress.done / progress.total for progress in told if progress.step == "deliver"]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_what_one_answer_settled_stays_settled_if_the_next_is_lost(
    world: World, tablet: Device
) -> None:
    with tablet.session("duty-desk") as session:
        child = session.open("r-ada")
        for number in range(600):
            child.edit(PHONE, f"07700 {number:06}")
    answered = world.authority.tampers

    def lose_the_second(answer: object) -> object:
        if len(world.authority.devices["d-1"].requests) == 3:
            raise RetryLater("offline", "Gone.")
        return answer

    world.authority.tampers = lose_the_second  # type: ignore[assignment]
    report = tablet.sync()
    assert report.outcome is SyncOutcome.PARTIAL
    assert 0 < len(report.verdicts) < 600
    assert tablet.status().pending_edits == 600 - len(report.verdicts)
    world.authority.tampers = answered
    assert tablet.sync().edits_sent == 600 - len(report.verdicts)
    assert world.authority.value("r-ada", PHONE) == "07700 000599"


def test_a_wrong_clock_is_put_right_by_a_signed_refusal(world: World, tablet: Device) -> None:
    tablet.close()
    world.clock.restart()
    world.clock.wall_is_off_by = -7_200
    tablet = world.open()
    with tablet.session("clinic") as session, pytest.raises(AccessClosed, match="clock-untrusted"):
        session.search(family="Okafor")
    before = len(world.authority.log)
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert len(world.authority.log) == before + 2
    assert family_names(tablet) == {"Okafor", "Whitcombe"}


def test_a_request_counter_that_fell_behind_catches_up(world: World, tablet: Device) -> None:
    world.authority.devices["d-1"].counters |= set(range(1, 1_000))
    tablet.close()
    with world.open() as again:
        assert again.sync().outcome is SyncOutcome.COMPLETE
    assert max(world.authority.devices["d-1"].counters) == 1_000


def test_no_server_can_use_up_the_numbers_of_a_devices_requests(
    world: World, tablet: Device
) -> None:
    """Invariant 1: what is typed then would never be delivered."""
    used = world.authority.devices["d-1"].counters
    taken = {*range(1, 1_000), 10**15 - 1} - used
    used |= taken
    report = tablet.sync()
    assert report.outcome is SyncOutcome.DISTRUSTED
    assert report.error is not None
    assert report.error.code == "counter-unbelievable"
    used -= taken
    assert tablet.sync().outcome is SyncOutcome.COMPLETE


def test_a_server_that_lost_the_end_of_a_journal_gets_it_again(
    world: World, tablet: Device
) -> None:
    family_names(tablet)
    tablet.sync()
    known = world.authority.devices["d-1"]
    known.journal = type(known.journal).first("d-1", 1, known.request.journal_key)
    known.entries.clear()
    known.seals.clear()
    tablet.sync()
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert len(world.authority.look_ups("d-1")) == 2


def test_a_server_that_has_look_ups_this_folder_has_not_is_told_of(
    world: World, tablet: Device, tmp_path: Path
) -> None:
    """The folder was put back from an old copy."""
    tablet.close()
    before = {path: path.read_bytes() for path in world.home().iterdir() if path.is_file()}
    with world.open() as device:
        family_names(device)
        device.sync()
    for path, content in before.items():
        path.write_bytes(content)
    with world.open() as device:
        report = device.sync()
    assert report.outcome is SyncOutcome.PARTIAL
    assert report.error is not None
    assert report.error.code == "journal-behind"


# --- Fetching -----------------------------------------------------------------------------------


def large_news(world: World) -> None:
    for number in range(40):
        world.authority.set_fields(f"r-{number}", {"name.given": os.urandom(30).hex()})
        world.authority.partitions["p-west"].members.append(f"r-{number}")
    world.authority.publish("p-west", new_image=True)


def test_a_download_goes_on_where_it_broke_off(world: World, tablet: Device) -> None:
    large_news(world)
    world.authority.cuts_files_after = 1_000
    told: list[SyncProgress] = []
    attempts = 0
    while (report := tablet.sync(told.append)).outcome is not SyncOutcome.COMPLETE:
        assert (report.outcome, report.error and report.error.code) == (
            SyncOutcome.PARTIAL,
            "offline",
        )
        assert family_names(tablet) == {"Okafor", "Whitcombe"}
        assert len(tablet.status().partitions) == 1
        attempts += 1
        tablet.close()
        tablet = world.open()
    offsets = [int(line.rsplit(" ", 1)[1]) for line in world.authority.log if "GET" in line]
    assert attempts > 2
    assert offsets[1:] == [1_000 * n for n in range(len(offsets) - 1)]
    assert all(progress.done <= progress.total for progress in told)


def test_what_came_whole_before_the_device_was_killed_is_not_fetched_again(
    world: World, tablet: Device
) -> None:
    """There is no range behind the end of a file: the server would refuse it for ever."""
    large_news(world)
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    tablet.close()
    (image,) = sealed_files(world)
    (world.home() / "practitioners" / "p-tablet" / "distribution").unlink()
    image.rename(image.with_name(image.name + PARTIAL))
    world.authority.log.clear()
    with world.open() as device:
        report = device.sync()
    assert (report.outcome, report.bytes_fetched) == (SyncOutcome.COMPLETE, 0)
    assert not [line for line in world.authority.log if "GET" in line]


def test_a_download_that_has_to_wait_goes_on_where_it_was(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "sleep", lambda _: None)
    large_news(world)
    world.authority.cuts_files_after = 2_000
    assert tablet.sync().outcome is SyncOutcome.PARTIAL
    world.authority.cuts_files_after, world.authority.crowded_for = None, 3
    told: list[SyncProgress] = []
    report = tablet.sync(told.append)
    assert report.outcome is SyncOutcome.COMPLETE
    (image,) = sealed_files(world)
    assert report.bytes_fetched == image.stat().st_size - 2_000
    assert {progress.step for progress in told} == {"wait", "fetch", "open"}
    assert all(progress.done <= progress.total for progress in told)


def test_a_sync_without_patience_says_that_others_come_first(world: World, tablet: Device) -> None:
    large_news(world)
    world.authority.crowded_for = 1
    report = tablet.sync(patience_seconds=0)
    assert report.error is not None
    assert (report.outcome, report.error.code) == (SyncOutcome.PARTIAL, "crowded")
    assert family_names(tablet) == {"Okafor", "Whitcombe"}
    assert tablet.sync().outcome is SyncOutcome.COMPLETE


def test_a_person_who_ends_a_wait_keeps_what_is_there(world: World, tablet: Device) -> None:
    class Enough(Exception):
        pass

    def enough(progress: SyncProgress) -> None:
        raise Enough

    large_news(world)
    world.authority.crowded_for = 1
    with pytest.raises(Enough):
        tablet.sync(enough)
    assert family_names(tablet) == {"Okafor", "Whitcombe"}
    assert tablet.sync().outcome is SyncOutcome.COMPLETE


def test_two_threads_do_not_sync_one_device_at_once(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor by way of a second ``Device``; what the first was doing is not disturbed (P22)."""
    large_news(world)
    world.authority.crowded_for = 1
    waiting, go_on = Event(), Event()

    def wait(_: float) -> None:
        waiting.set()
        assert go_on.wait(60)

    monkeypatch.setattr(patience, "sleep", wait)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(tablet.sync)
        assert waiting.wait(60)
        asked = len(world.authority.log)
        with pytest.raises(RetryLater, match="sync-under-way"):
            tablet.sync()
        with pytest.raises(RetryLater, match="folder-in-use"):
            world.open()
        assert len(world.authority.log) == asked
        go_on.set()
        assert first.result().outcome is SyncOutcome.COMPLETE
    assert tablet.sync().outcome is SyncOutcome.COMPLETE


def test_progress_counts_bytes_that_are_here_and_records_of_totals_known_before(
    world: World, tablet: Device
) -> None:
    large_news(world)
    world.authority.cuts_files_after = 2_000
    assert tablet.sync().outcome is SyncOutcome.PARTIAL
    world.authority.cuts_files_after = None
    told: list[SyncProgress] = []
    assert tablet.sync(told.append).outcome is SyncOutcome.COMPLETE
    (image,) = sealed_files(world)
    size = image.stat().st_size
    fetched = [(each.done, each.total) for each in told if each.step == "fetch"]
    assert fetched == sorted(fetched)
    assert all(2_000 < done <= size and total == size for done, total in fetched)
    assert fetched[-1] == (size, size)
    assert [(each.done, each.total) for each in told if each.step == "open"] == [(42, 42)]


def test_a_partition_is_opened_while_it_comes_and_else_when_it_is_asked_for(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablet.close()
    tablet = world.open()
    read: list[str] = []
    original = SealedFiles.read

    def reading(files: SealedFiles, entry: FileEntry) -> bytes:
        read.append(entry.context.partition)
        return original(files, entry)

    monkeypatch.setattr(SealedFiles, "read", reading)
    world.authority.partition("p-east", "r-ben", title="East")
    world.authority.give_grant("d-1", "p-east")
    assert tablet.sync().updated == ("East",)
    assert read == []
    family_names(tablet)
    assert read == ["p-west"]


def test_a_lease_that_came_without_its_files_leaves_the_old_copy_readable(
    world: World, tablet: Device
) -> None:
    """The keys of the present files are the server's to send; those of the files here must stay."""
    world.authority.partition("p-east", "r-ada", title="East")
    world.authority.give_grant("d-1", "p-east")
    tablet.sync()
    west = world.authority.partitions["p-west"]
    west.epoch += 1
    west.keys.clear()
    world.authority.publish("p-west", new_image=True)
    world.authority.take_grant("d-1", "p-east")
    world.authority.cuts_files_after = 0
    report = tablet.sync()
    assert (report.outcome, report.lease_renewed) == (SyncOutcome.PARTIAL, True)
    for _ in range(2):
        assert family_names(tablet) == {"Okafor", "Whitcombe"}
        with tablet.session("clinic") as session:
            assert {hit.partition for hit in session.search(family="Okafor")} == {"West"}
        tablet.close()
        tablet = world.open()
    world.authority.cuts_files_after = None
    report = tablet.sync()
    assert (report.outcome, report.lost) == (SyncOutcome.COMPLETE, ("East",))
    assert not (world.home() / "practitioners" / "p-tablet" / "earlier-keys").exists()


def test_a_lost_partition_is_named_and_its_file_and_key_are_gone(  # P2, P19
    world: World, tablet: Device
) -> None:
    world.authority.partition("p-east", "r-ben", title="East")
    world.authority.give_grant("d-1", "p-east")
    tablet.sync()
    world.authority.remove("p-west", "r-ben")
    world.authority.publish_all()
    tablet.sync()
    before = set(sealed_files(world))
    world.authority.take_grant("d-1", "p-east")
    report = tablet.sync()
    assert (report.outcome, report.lost) == (SyncOutcome.COMPLETE, ("East",))
    assert report.edits_sent == 0, "to lose a copy is not to delete"
    assert len(before - set(sealed_files(world))) == 2
    with tablet.session("clinic") as session:
        assert not session.search(family="Whitcombe")
        with pytest.raises(CallerMistake, match="not-held"):
            session.open("r-ben")


def test_a_record_that_left_is_hidden_at_once(world: World, tablet: Device) -> None:
    world.authority.remove("p-west", "r-ben")
    world.authority.publish_all()
    tablet.sync()
    with tablet.session("clinic") as session:
        assert not session.search(family="Whitcombe")
        assert [hit.record_id for hit in session.search(family="Okafor")] == ["r-ada"]
    assert tablet.status().partitions[0].records == 1


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_file_is_never_passed_over_and_is_fetched_again(
    world: World, tablet: Device, damage: str
) -> None:
    tablet.close()
    (file,) = sealed_files(world)
    content = file.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    file.write_bytes({"flipped": flipped, "cut": content[:-1], "gone": b""}[damage])
    if damage == "gone":
        file.unlink()
    with world.open() as device:
        with device.session("clinic") as session, pytest.raises(LocalDataDamaged) as damaged:
            session.search(family="Okafor")
        assert "sync" in damaged.value.next_step
        assert device.status().conflicts is None
        assert device.sync().outcome is SyncOutcome.COMPLETE
        assert family_names(device) == {"Okafor", "Whitcombe"}


@pytest.mark.parametrize("document", ["lease", "distribution", "store-key"])
def test_a_damaged_document_comes_again_with_the_next_sync(
    world: World, tablet: Device, document: str
) -> None:
    with tablet.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    tablet.close()
    path = world.home() / "practitioners" / "p-tablet" / document
    path.write_bytes(path.read_bytes()[:-3])
    with world.open() as device:
        assert device.status().pending_edits == 1
        with (
            device.session("clinic") as session,
            pytest.raises((AccessClosed, LocalDataDamaged)),
        ):
            session.search(family="Okafor")
        assert device.sync().outcome is SyncOutcome.COMPLETE
        assert family_names(device) == {"Okafor", "Whitcombe"}
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def change(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(
    ("document", "damage"),
    [
        ("earlier-keys", cut),
        ("earlier-keys", change),
        ("store-key", cut),
        ("store-key", Path.unlink),
    ],
)
def test_where_keys_of_earlier_leases_do_not_open_a_sync_brings_newer_ones(
    world: World, tablet: Device, document: str, damage: Callable[[Path], None]
) -> None:
    west = world.authority.partitions["p-west"]
    west.epoch, west.keys = 2, {}
    west.key()
    world.authority.publish("p-west", new_image=True)
    world.clock.advance(hours=20)
    world.authority.cuts_files_after = 0
    assert tablet.sync().lease_renewed
    world.authority.cuts_files_after = None
    tablet.close()
    damage(world.home() / "practitioners" / "p-tablet" / document)
    with world.open() as device:
        with suppress(LocalDataDamaged):
            device.sync()
        assert device.sync().outcome is SyncOutcome.COMPLETE
        assert family_names(device) == {"Okafor", "Whitcombe"}


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("document", ["clock", "counters", "journal-key"])
def test_a_damaged_document_of_the_device_keeps_no_edit_from_being_delivered(  # invariant 1
    world: World, tablet: Device, document: str, locked: bool
) -> None:
    with tablet.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    tablet.close()
    path = world.home() / document
    path.write_bytes(path.read_bytes()[:-3])
    with world.open(passphrase=None if locked else PASSPHRASE) as device:
        report = device.sync()
        assert (report.error, report.edits_sent) == (None, 1)
    assert world.authority.value("r-ada", PHONE) == "07700 900123"
    with world.open() as device:
        assert device.sync().outcome is SyncOutcome.COMPLETE
        if document != "journal-key":
            assert family_names(device) == {"Okafor", "Whitcombe"}


def test_keys_that_do_not_open_the_lease_bring_another_with_the_second_sync(
    world: World, tablet: Device
) -> None:
    """The vault was put back from an old copy: the server believes that its lease has come. It is
    not the lease that the copy's next key opens either."""
    vault = world.home() / "practitioners" / "p-tablet" / "vault"
    before = vault.read_bytes()
    for _ in range(2):
        world.clock.advance(hours=20)
        tablet.sync()
    tablet.close()
    vault.write_bytes(before)
    with world.open() as device:
        with pytest.raises(LocalDataDamaged, match="lease-damaged"):
            device.sync()
        assert device.sync().outcome is SyncOutcome.COMPLETE
        assert family_names(device) == {"Okafor", "Whitcombe"}


def test_a_damaged_journal_stops_look_ups_but_not_edits(world: World, tablet: Device) -> None:
    with tablet.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    tablet.close()
    (world.home() / "journal").write_bytes(b"")
    with world.open() as device:
        with device.session("clinic") as session:
            with pytest.raises(LocalDataDamaged, match="journal-damaged"):
                session.search(family="Okafor")
            with pytest.raises(LocalDataDamaged, match="journal-damaged"):
                session.open("r-ada")
        assert device.sync().edits_sent == 1
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


def test_a_sync_with_nothing_new_fetches_and_stores_nothing(world: World, tablet: Device) -> None:
    tablet.sync()
    before = {path: path.stat().st_mtime_ns for path in world.home().rglob("*") if path.is_file()}
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    after = {path: path.stat().st_mtime_ns for path in world.home().rglob("*") if path.is_file()}
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert changed <= {"clock"}
    assert [line for line in world.authority.log if "GET" in line] == world.authority.log[2:3]
