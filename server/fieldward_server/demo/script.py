"""The main job, step by step: from a loaded index to a wiped device."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from fieldward_client import AccessClosed, Device, SyncOutcome
from fieldward_server.demo.stage import PROGRAM, MovedClock, Stage
from fieldward_sync.leases import LeaseTerms

SHEFFIELD, MANCHESTER = "E08000039", "E08000003"
CHILDREN = {SHEFFIELD: 3000, MANCHESTER: 2000}
NAMES = {SHEFFIELD: "Sheffield", MANCHESTER: "Manchester"}
ADMINISTRATORS = {SHEFFIELD: "mo", MANCHESTER: "lee"}
PASSPHRASE = "a passphrase of the demo's own"
PARTITION = "caseload"
HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS


@dataclass(frozen=True)
class Child:
    """A child of the caseload, as the loaded file tells it."""

    record_id: str
    family: str
    given: str
    born: str
    involvement: str
    """The id of the caseload's own involvement with the child."""

    @property
    def phone_path(self) -> str:
        """Where the caseload's phone number for this child stands."""
        return f"involvements/{self.involvement}.phone"


@dataclass(frozen=True)
class Caseload:
    """One team's children of one authority."""

    authority: str
    team: str
    children: tuple[Child, ...]


def play_main_job(stage: Stage) -> None:
    """All of it; ``DoesNotHold`` at the first step that does not."""
    found_two_authorities(stage)
    caseloads = load_the_index(stage)
    sheffield = caseloads[SHEFFIELD]
    ann, ben, cleo, clock = enrol_three_devices(stage, caseloads)
    sync_for_the_first_time(stage, caseloads, ann, ben, cleo)
    disputed, other = distinctive(sheffield)
    work_without_signal(stage, ann, ben, disputed, other)
    bring_the_edits_together(stage, ann, ben, disputed, other)
    show_the_look_ups(stage, ann, ben)
    let_a_child_leave(stage, ann, ben, other)
    revoke(stage, ann, disputed)
    with ben.session(reason="home-visit") as session:
        session.open(disputed.record_id).edit(disputed.phone_path, "07700 900333")
    ben.close()
    wipe(stage, stage.home / "ben")
    let_a_lease_run_out(stage, cleo, clock, caseloads[MANCHESTER])
    show_the_administrators(stage)


def found_two_authorities(stage: Stage) -> None:
    """A new server, and an administrator with a key of their own for each authority."""
    stage.step("Start a server, and found two authorities on root keys that it never sees")
    stage.operator.shows("migrate")
    stage.start_server()
    for authority, name in ADMINISTRATORS.items():
        administrator = stage.add_administrator(name, authority=authority)
        administrator.shows(
            "authority", "create", "--name", NAMES[authority], "--secrets", str(stage.secrets)
        )
        (shown,) = administrator.reads("authority", "show")
        stage.check(shown["founded"], f"{NAMES[authority]} is founded, by a signed command")


def load_the_index(stage: Stage) -> dict[str, Caseload]:
    """5,000 children, and a caseload partition in each authority."""
    stage.step(f"Load {sum(CHILDREN.values()):,} children of two authorities")
    caseloads = {}
    for authority, administrator in stage.administrators.items():
        name, children = NAMES[authority], CHILDREN[authority]
        file = stage.home / f"{authority}.ndjson"
        administrator.shows(
            "population", "generate", "--authority", authority,
            "--children", str(children), "--seed", "7", "--output", str(file),
        )  # fmt: skip
        with stage.timed(f"loaded {children:,} records of {name}"):
            verdicts = administrator.reads("records", "load", str(file))[0]
        stage.check(verdicts["created"] == children, f"each line of {name} was taken")
        caseload = largest_caseload(authority, file)
        administrator.shows(
            "partition", "create", PARTITION, "--title", f"Caseload of {caseload.team}",
            "--rule", f"team:{caseload.team}",
        )  # fmt: skip
        (report,) = administrator.reads("partition", "list")
        expected = len(caseload.children)
        stage.check(report["records"] == expected, f"the caseload holds its {expected} children")
        with stage.timed("sealed"):
            administrator.shows("partition", "seal")
        caseloads[authority] = caseload
    return caseloads


def largest_caseload(authority: str, file: Path) -> Caseload:
    """The team with most children in a file of records, and those children."""
    records = [json.loads(line) for line in file.read_text().splitlines()]
    teams = Counter(
        team for record in records for team in {team for team, _ in running_teams(record)}
    )
    team, _ = teams.most_common(1)[0]
    children = tuple(
        Child(
            record_id=record["record_id"],
            family=record["name"]["family"],
            given=record["name"]["given"],
            born=record["born"],
            involvement=involvement,
        )
        for record in records
        for of_team, involvement in running_teams(record)
        if of_team == team
    )
    return Caseload(authority, team, tuple({child.record_id: child for child in children}.values()))


def running_teams(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Team and id of each involvement in a loaded record that has a team and has not ended."""
    return [
        (involvement["team"], member)
        for member, involvement in record["involvements"].items()
        if "team" in involvement
        and "ended" not in involvement
        and involvement.get("consent_withdrawn") != "raised"
    ]


def distinctive(caseload: Caseload) -> tuple[Child, Child]:
    """Two children whose names nobody else in the caseload has, long enough for a slip."""
    names = Counter((child.family, child.given) for child in caseload.children)
    alone = [
        child
        for child in caseload.children
        if names[child.family, child.given] == 1
        and child.family.isalpha()
        and len(child.family) > 5
    ]
    return alone[0], alone[1]


def enrol_three_devices(
    stage: Stage, caseloads: dict[str, Caseload]
) -> tuple[Device, Device, Device, MovedClock]:
    """Ann and Ben share Sheffield's caseload; Cleo has Manchester's, and a clock of her own."""
    stage.step("Enrol three devices")
    people = {"ann": SHEFFIELD, "ben": SHEFFIELD, "cleo": MANCHESTER}
    clock = MovedClock()
    devices = []
    for person, authority in people.items():
        until = date(today().year + 1, 12, 31).isoformat()
        administrator = stage.administrators[authority]
        administrator.does(
            "practitioner", "add", person,
            "--name", f"{person.title()} Poole", "--role", "health-visitor",
            "--team", caseloads[authority].team,
            "--employer", "Community Health", "--manager", "Joan Reid",
            "--vetted-until", until, "--trained-until", until,
        )  # fmt: skip
        code = administrator.shows(
            "device", "invite", "--practitioner", person, "--partition", PARTITION
        ).strip()
        with stage.timed(f"{person}: keys made, enrolled with {code[:6]}…"):
            device = Device.enrol(
                stage.home / person,
                stage.url,
                code,
                passphrase=PASSPHRASE,
                name=f"{person}-tablet",
                clock=clock if person == "cleo" else None,
            )
        devices.append(device)
    ann, ben, cleo = devices
    return ann, ben, cleo, clock


def sync_for_the_first_time(
    stage: Stage, caseloads: dict[str, Caseload], ann: Device, ben: Device, cleo: Device
) -> None:
    """Each device gets its caseload, sealed."""
    stage.step("First sync")
    for name, authority, device in (
        ("ann", SHEFFIELD, ann),
        ("ben", SHEFFIELD, ben),
        ("cleo", MANCHESTER, cleo),
    ):
        expected = len(caseloads[authority].children)
        with stage.timed(f"{name}: synced") as told:
            report = device.sync()
            told.append(f"{report.bytes_fetched:,} sealed bytes")
        (held,) = device.status().partitions
        stage.check(held.records == expected, f"{name} holds {held.records} children")


def work_without_signal(
    stage: Stage, ann: Device, ben: Device, disputed: Child, other: Child
) -> None:
    """The server is gone; two people find children by half-remembered names and write."""
    stage.step("The server is stopped: search, open, edit")
    stage.stop_server()
    slip = disputed.family[:-2] + disputed.family[-1] + disputed.family[-2]
    for name, device, phone in (("ann", ann, "07700 900123"), ("ben", ben, "07700 900456")):
        with device.session(reason="home-visit") as session:
            with stage.timed(f"{name}: searched for {slip!r}, opened and edited the child"):
                hits = session.search(family=slip, given=disputed.given[:3])
                stage.check(
                    disputed.record_id in [hit.record_id for hit in hits],
                    f"{name} finds {disputed.given} {disputed.family} in spite of the slip",
                )
                session.open(disputed.record_id).edit(disputed.phone_path, phone)
            if device is ann:
                session.open(other.record_id).edit(other.phone_path, "07700 900789")
        report = device.sync()
        stage.check(
            report.outcome is SyncOutcome.OFFLINE, f"{name}: being offline is a state, not an error"
        )
    stage.check(
        (ann.status().pending_edits, ben.status().pending_edits) == (2, 1),
        "three edits wait in the outboxes",
    )


def bring_the_edits_together(
    stage: Stage, ann: Device, ben: Device, disputed: Child, other: Child
) -> None:
    """The edits merge; where two people wrote, both see both, and one settles it."""
    mo = stage.administrators[SHEFFIELD]
    stage.step("The server is back: edits merge, the conflict shows on both, one settles it")
    stage.start_server()
    for name, device in (("ann", ann), ("ben", ben)):
        with stage.timed(f"{name}: synced") as told:
            report = device.sync()
            told.append(f"{len(report.verdicts)} verdicts")
        stage.check(device.status().pending_edits == 0, f"{name}: nothing waits any more")

    def shows_both(device: Device) -> bool:
        device.sync()
        with device.session(reason="record-correction") as session:
            child = session.open(disputed.record_id)
            return set(child.conflicts.get(disputed.phone_path, ())) == {
                "07700 900123",
                "07700 900456",
            }

    for name, device in (("ann", ann), ("ben", ben)):
        stage.until(partial(shows_both, device), f"{name} sees both values")
    with ben.session(reason="record-correction") as session:
        stage.check(
            session.open(other.record_id)[other.phone_path] == "07700 900789",
            "Ann's other edit has reached Ben",
        )
        session.open(disputed.record_id).settle(disputed.phone_path, "07700 900456")
    ben.sync()

    def settled() -> bool:
        ann.sync()
        with ann.session(reason="record-correction") as session:
            child = session.open(disputed.record_id)
            return not child.conflicts and child[disputed.phone_path] == "07700 900456"

    stage.until(settled, "Ben settled it, and Ann sees what he chose")
    stage.check(
        mo.reads("conflicts", "list", "--reason", "review") == [],
        "no conflict waits on the server",
    )


def show_the_look_ups(stage: Stage, ann: Device, ben: Device) -> None:
    """What was looked up without signal is with the server: complete, chained, sealed."""
    mo = stage.administrators[SHEFFIELD]
    stage.step("The look-ups made without signal are in the server's hands")
    ann.sync()
    ben.sync()
    audit_key = str(stage.secrets / f"{SHEFFIELD}-audit-key")
    for name, device in (("ann", ann), ("ben", ben)):
        status = device.status()
        (report,) = mo.reads("journal", "verify", "--device", status.device)
        stage.check(
            report["size"] == status.look_ups == report["sealed_size"]
            and not report["forks"]
            and not report["damage"],
            f"{name}: {report['size']} entries in {report['epochs']} sealed epochs, verified",
        )
    entries = mo.reads("journal", "show", "--audit-key", audit_key, "--reason", "family-request")
    looked_for = [entry["look_up"]["terms"] for entry in entries if entry["look_up"]["terms"]]
    stage.check(len(looked_for) >= 2, f"with the audit key they can be read: {looked_for[0]}")


def let_a_child_leave(stage: Stage, ann: Device, ben: Device, other: Child) -> None:
    """The involvement ends; the child leaves the caseload, and the devices."""
    stage.step("A child leaves the caseload, and the devices")
    with ann.session(reason="record-correction") as session:
        session.open(other.record_id).edit(
            f"involvements/{other.involvement}.ended", today().isoformat()
        )
    ann.sync()

    def has_left(device: Device) -> bool:
        device.sync()
        with device.session(reason="record-correction") as session:
            hits = session.search(family=other.family, given=other.given)
            return other.record_id not in [hit.record_id for hit in hits]

    for name, device in (("ann", ann), ("ben", ben)):
        stage.until(partial(has_left, device), f"{name} does not hold it any more")


def revoke(stage: Stage, ann: Device, disputed: Child) -> None:
    """Ann's device is ended while an edit of hers is still under way."""
    mo = stage.administrators[SHEFFIELD]
    stage.step("One device is revoked")
    with ann.session(reason="home-visit") as session:
        session.open(disputed.record_id).edit(disputed.phone_path, "07700 900111")
    mo.shows("device", "revoke", ann.status().device, "--reason", "left-service", "--yes")
    report = ann.sync()
    stage.check(report.access == "revoked", "at its next contact the device learns it")
    stage.check(is_shut(ann), "its store is shut for good")
    (kept,) = mo.reads("inbox", "list", "--reason", "review")
    stage.check(kept["code"] == "revoked", "the edit it still delivered waits in the inbox")
    ann.close()


def wipe(stage: Stage, home: Path) -> None:
    """Ben's device is wiped while it is locked."""
    mo = stage.administrators[SHEFFIELD]
    stage.step("Another is wiped, with a receipt")
    with Device.open(home) as locked:
        device = locked.status().device
        mo.shows("device", "wipe", device, "--reason", "lost", "--yes")
        with stage.timed("locked, without its passphrase, it fetched the order and obeyed"):
            report = locked.sync()
        stage.check(
            report.wiped and report.edits_sent == 1,
            "the edit that had not been sent was delivered all the same",
        )
    (seen,) = mo.reads("device", "show", device)
    stage.check(
        seen["wipe"]["state"] == "done" and seen["wipe"]["receipt_at"] > 0,
        "the server has its signed receipt",
    )
    left = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    stage.check(
        not [name for name in left if "practitioner" in name or "secret" in name],
        f"no key and no copy is left in its folder, only {', '.join(left)}",
    )


def let_a_lease_run_out(stage: Stage, cleo: Device, clock: MovedClock, caseload: Caseload) -> None:
    """Cleo is out of reach; first her copy closes, then its keys die; what she typed does not."""
    stage.step("A third device's lease runs out")
    terms = LeaseTerms()
    child, _ = distinctive(caseload)
    with cleo.session(reason="home-visit") as session:
        session.open(child.record_id).edit(child.phone_path, "07700 900222")
        clock.ahead_seconds = terms.closes_seconds + HOUR_SECONDS
        cleo.unlock(PASSPHRASE)  # left alone for so long, it has locked itself
        stage.check(is_shut(cleo), "73 hours later nothing is shown, unlocked as it is")
    clock.ahead_seconds = terms.destroys_seconds + HOUR_SECONDS
    cleo.unlock(PASSPHRASE)
    stage.check(is_shut(cleo), "14 days later its keys are erased, and it stays shut")
    clock.ahead_seconds = 0
    cleo.sync()
    stage.check(
        cleo.status().pending_edits == 0 and not is_shut(cleo),
        "in good standing, one sync delivers what was typed and opens it again",
    )
    cleo.close()


def today() -> date:
    """The day it is, UTC."""
    return datetime.now(UTC).date()


def is_shut(device: Device) -> bool:
    """Whether the device refuses to show anything."""
    try:
        with device.session(reason="home-visit") as session:
            session.search(family="Okafor")
    except AccessClosed:
        return True
    return False


def show_the_administrators(stage: Stage) -> None:
    """What an administrator sees at the end, and what is on record of them."""
    stage.step("What the administrators see")
    mo, lee = stage.administrators[SHEFFIELD], stage.administrators[MANCHESTER]
    for person, *words in (
        (mo, "device", "list"),
        (lee, "device", "list"),
        (mo, "inbox", "list", "--reason", "review"),
        (mo, "authority", "events", "--limit", "6"),
    ):
        for line in person.shows(*words).splitlines():
            stage.say(line)
    recorded = [(event["actor"], event["action"]) for event in mo.reads("authority", "events")]
    stage.check(
        {("mo", "device/wipe"), ("mo", "journal/delivered")} <= {*recorded},
        "each of Mo's commands is on record under that name, reading ones too",
    )


def going_on_by_hand(stage: Stage) -> str:
    """What to type next."""
    mo = stage.administrators[SHEFFIELD]
    exports = "\n".join(
        f"    export {name}={shlex.quote(value)}" for name, value in mo.settings.items()
    )
    device = f"--folder {shlex.quote(str(stage.home / 'mine'))}"
    return f"""
The server runs at {stage.url} until you press Ctrl-C. To go on by hand, in another terminal, as the
administrator of Sheffield:

{exports}
    {PROGRAM} device list
    {PROGRAM} device invite --practitioner ann --partition {PARTITION}

and in a third one, as a health visitor with a new device and the code that was printed:

    {PROGRAM} field enrol --server {stage.url} {device}
    {PROGRAM} field sync {device}
    {PROGRAM} field search {device}
"""
