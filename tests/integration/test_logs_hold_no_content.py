"""What a server says of itself, at its most talkative, names no child and nothing about one (H3).

The whole life of a service, from loading to a wiped device, well-formed and not, through the real
server; then its log and its metrics are searched for every value there was.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from children import AUTHORITY, child
from fieldward_client import CallerMistake, Device
from fieldward_server.population import generate
from office import EMPLOYED, Administrator, Office
from served import free_port, serving

CHILDREN = 150
SLIP, TYPED_PHONE, TYPED_NAME = "Quillfeathr", "07700 900987", "Zephyrine"
PASSPHRASE = "correct horse battery staple"
LEAST_LETTERS = 3
"""Shorter names are words and parts of ids too."""


@dataclass(frozen=True)
class Life:
    """All that a server said in its life, and all that it must not have said."""

    said: str
    metrics: str
    needles: dict[str, str]
    """What it is, by the value itself."""


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A service's life at log level debug."""
    office = Office(tmp_path_factory.mktemp("office"))
    listen = f"127.0.0.1:{free_port()}"
    office.operator.settings.update(
        FIELDWARD_LOG_LEVEL="debug",
        FIELDWARD_METRICS_LISTEN=listen,
        FIELDWARD_SEAL_EVERY_SECONDS="1",
    )
    records = [dict(each) for each in generate(authority=AUTHORITY, children=CHILDREN, seed=3)]
    log = office.folder / "log"
    with serving(office.operator.settings, log):
        administrator = office.newcomer(AUTHORITY)
        administrator.does("administrator", "bootstrap", "mo", "--name", "Mo Malik")
        secrets = administrator.folder / "keys"
        administrator.does("authority", "create", "--name", "Sheffield", "--secrets", str(secrets))
        load(administrator, records)
        live(office, administrator)
        misuse(office.url, records)
        with urllib.request.urlopen(f"http://{listen}/metrics") as answer:
            metrics = answer.read().decode()
    needles = {value: path for each in records for path, value in telling(each)}
    needles |= {SLIP: "search term", TYPED_PHONE: "typed", TYPED_NAME: "typed"}
    needles |= {PASSPHRASE: "passphrase", "Ann Poole": "practitioner", "Mo Malik": "administrator"}
    return Life(log.read_text(), metrics, needles)


def load(administrator: Administrator, records: list[dict[str, Any]]) -> None:
    """Load everybody, together with lines that are refused for what they hold."""
    wrong = [
        {**records[0], "nhs_number": f"{records[0]['name']['family']}"},
        {**records[1], "born": f"{records[1]['name']['given']}"},
        {**records[2], records[2]["name"]["family"]: "no such field"},
    ]
    file = administrator.folder / "children.ndjson"
    lines = [json.dumps(each) for each in [*records, child("r-1"), *wrong]]
    file.write_text("\n".join([*lines, f'{{"name": "{TYPED_NAME}']) + "\n")
    assert administrator.types("records", "load", str(file)).exit_code == 1
    administrator.does("partition", "create", "everybody", "--title", "All", "--rule", "all")
    administrator.does(
        *("practitioner", "add", "p-17", "--name", "Ann Poole", "--role", "health-visitor"),
        *EMPLOYED,
        *("--team", "HV-1", "--vetted-until", "2099-03-31", "--trained-until", "2099-03-31"),
    )


def live(office: Office, administrator: Administrator) -> None:
    """Two devices, their look-ups on and off line, edits good and bad, a shield, a revocation and a
    wipe."""
    administrator.does("partition", "seal")
    devices = [enrolled(office, administrator, name) for name in ("ann", "ben")]
    for device in devices:
        assert device.sync().outcome.value == "complete"
        with device.session(reason="home-visit") as session:
            session.search(family=SLIP)
            session.search(family="Okafor", given="Ada", born="2021-03-04")
            session.enquire(family=SLIP, given=TYPED_NAME)
            session.enquire(family="Okafor", given="Ada", born="2021-03-04")
            session.open_enquired("r-1")
            opened = session.open("r-1")
            opened.edit("involvements/a1.phone", TYPED_PHONE)
            with suppress(CallerMistake):
                opened.edit("born", TYPED_NAME)
            opened.edit("name.given", TYPED_NAME)
        device.sync()
    administrator.does("shield", "raise", "r-1", "--reason", "safety")
    administrator.does("records", "history", "r-1", "--reason", "complaint")
    administrator.does("records", "duplicates", "r-1", "--reason", "complaint")
    administrator.does("conflicts", "list", "--reason", "complaint")
    administrator.does("disputes", "raise", "r-1", "born", "--by", "carer", "--reason", "complaint")
    administrator.does("disputes", "list", "--reason", "complaint")
    for device, verb in zip(devices, ("revoke", "wipe"), strict=True):
        name = device.status().device
        administrator.does("device", verb, name, "--reason", "lost", "--yes")
        device.sync()
        device.close()


def enrolled(office: Office, administrator: Administrator, name: str) -> Device:
    code = administrator.does(
        "device", "invite", "--practitioner", "p-17", "--partition", "everybody"
    ).strip()
    return Device.enrol(
        office.folder / name, office.url, code.split()[-1], passphrase=PASSPHRASE, name=name
    )


def misuse(url: str, records: list[dict[str, Any]]) -> None:
    """Ask for what is not there, in every place where something can be written."""
    family = records[0]["name"]["family"]
    for path in ("/v1/sync", f"/v1/admin/{AUTHORITY}/records/load", "/v1/enrol", "/health/ready"):
        request = urllib.request.Request(
            f"{url}{path}?family={urllib.parse.quote(family)}",
            data=json.dumps(records[0]).encode(),
            headers={
                "Authorization": TYPED_PHONE,
                "User-Agent": SLIP,
                "X-Request-Id": "edge-to-edge",
            },
        )
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request)


def telling(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a record that tells something about the child: where it stands, and itself."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from telling(each, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from telling(each, path)
    elif isinstance(value, str) and len(value) >= LEAST_LETTERS and tells(path):
        yield path, value


def tells(path: str) -> bool:
    """Whether a value at this path could point to a child."""
    return any(
        part in path
        for part in (
            "name",
            "phone",
            "nhs_number",
            "lines",
            "postcode",
            "born",
            "email",
            "record_id",
        )
    ) and not path.endswith("withheld")


def test_nothing_of_a_record_is_in_the_log(life: Life) -> None:
    assert {
        path: value for value, path in life.needles.items() if stands_in(value, life.said)
    } == {}


def test_nothing_of_a_record_is_in_the_metrics(life: Life) -> None:
    found = {path: value for value, path in life.needles.items() if stands_in(value, life.metrics)}
    assert found == {}


def stands_in(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE) is not None


def test_the_log_told_what_happened_all_the_same(life: Life) -> None:
    for said in (
        "event=server.listening",
        "event=request.done",
        "route=/v1/sync",
        "route=/v1/enquiries",
        "route=/v1/admin/<authority>/records/load",
        "code=signature-malformed",
        "request=edge-to-edge",
        "event=job.done",
        "level=debug",
    ):
        assert said in life.said, said
    assert 'fieldward_edit_verdicts_total{code="",outcome="merged"}' in life.metrics
    assert 'fieldward_enquiries_total{outcome="shown"}' in life.metrics


def test_every_line_is_an_event_with_a_time_and_a_level(life: Life) -> None:
    for line in life.said.splitlines():
        assert re.match(r"time=\S+Z level=[a-z]+ event=[a-z.]+", line), line


def test_there_was_something_to_find(life: Life) -> None:
    for what in (
        ".name.family",
        ".name.given",
        ".nhs_number",
        ".address.postcode",
        ".address.lines",
    ):
        assert sum(path == what for path in life.needles.values()) > CHILDREN / 10, what
