"""A child moves: from the keyboards of two authorities to the devices of both (D6, R8)."""

from __future__ import annotations

from pathlib import Path

from children import PHONE
from fieldward_client import CallerMistake, Device
from loop import cheap_passphrases
from office import EMPLOYED, PASSPHRASE, Administrator, Office

MOVED = ("--reason", "moved-house")


def enrolled(office: Office, mo: Administrator) -> Device:
    code = mo.does("device", "invite", "--practitioner", "p-17", "--partition", "all-of-it")
    folder = office.folder / f"device-{mo.authority}"
    device = Device.enrol(folder, office.url, code.split()[-1], passphrase=PASSPHRASE)
    mo.does("partition", "seal")
    device.sync()
    return device


def shows(device: Device, record: str) -> bool:
    with device.session(reason="home-visit") as session:
        try:
            session.open(record)
        except CallerMistake:
            return False
    return True


def test_a_child_who_moves_leaves_old_devices_and_reaches_new_ones_in_one_sync_each(
    tmp_path: Path,
) -> None:
    with cheap_passphrases(), Office.open(tmp_path) as office:
        mo, jo = office.settled(), office.newcomer("E09000777")
        jo.does("administrator", "bootstrap", "jo", "--name", "Jo Lund")
        jo.does("authority", "create", "--name", "Leeds", "--secrets", str(jo.folder / "keys"))
        jo.does(
            *("practitioner", "add", "p-17", "--name", "Bo Reid", "--role", "health-visitor"),
            *EMPLOYED,
            *("--team", "HV-1", "--vetted-until", "2099-03-31", "--trained-until", "2099-03-31"),
        )
        jo.does("partition", "create", "all-of-it", "--title", "All of it", "--rule", "all")
        old, new = enrolled(office, mo), enrolled(office, jo)
        assert (shows(old, "r-1"), shows(new, "r-1")) == (True, False)
        with old.session(reason="home-visit") as session:
            session.open("r-1").edit(PHONE, "0114 496 0001")  # and does not know what comes

        jo.is_refused("records", "accept", "r-1", mo.authority, "--yes", *MOVED, code="no-offer")
        asked = mo.types("records", "offer", "r-1", jo.authority, *MOVED, keys="n\n")
        assert (asked.exit_code, mo.reads("records", "transfers", *MOVED)) == (1, [])
        mo.does("records", "offer", "r-1", jo.authority, "--yes", *MOVED)
        (waiting,) = jo.reads("records", "transfers", *MOVED)
        assert (waiting["record_id"], waiting["giver"]) == ("r-1", mo.authority)
        taken = jo.types("records", "accept", "r-1", mo.authority, *MOVED, keys="y\n")
        assert (taken.exit_code, taken.stdout.count("\n")) == (0, 1)
        assert "all-of-it" in taken.stderr
        mo.does("partition", "seal")
        jo.does("partition", "seal")

        old.sync()
        new.sync()
        assert (shows(old, "r-1"), shows(new, "r-1")) == (False, True)
        assert shows(old, "r-2")
        (late,) = mo.reads("inbox", "list", *MOVED)
        assert late["code"] == "record-moved"
        mo.does("inbox", "forward", str(late["number"]), *MOVED)
        jo.does("partition", "seal")
        new.sync()
        with new.session(reason="home-visit") as session:
            assert session.open("r-1")[PHONE] == "0114 496 0001"
        mo.is_refused("records", "history", "r-1", *MOVED, code="record-moved")
        (ended,) = mo.reads("records", "transfers", "--all", *MOVED)
        assert ended["state"] == "accepted"
        old.close()
        new.close()
