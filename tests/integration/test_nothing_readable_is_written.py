"""Invariant 6: no plaintext on the device's disk, wherever the process writes (H3, V2)."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server

from children import child
from loop import Loop

TRACED = Path(__file__).parents[1] / "support" / "traced_life.py"
SOURCES = ("sync", "client_sdk")
CALLS = "open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,rename,renameat"

SLIP, PHONE = "Quillfeathr", "07700 900987"
NEEDLES = {
    "family name": "Quillfeather",
    "given name": "Zephyrine",
    "search term": SLIP,
    "folded search key": "quillfeather",
    "postcode": "S17 4QT",
    "compact postcode": "S174QT",
    "NHS number": "9990000018",
    "address line": "Marchbanks Row",
    "telephone number as loaded": "0114 496 0871",
    "telephone number as typed": PHONE,
    "passphrase": "correct horse",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it all happens."""
    return tmp_path_factory.mktemp("traced")


@pytest.fixture(scope="module")
def trace(folder: Path) -> str:
    """All that a device wrote in its life: files, temporary files, sockets, standard error."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        loop = Loop(folder, host=host)
        record = child(
            "r-1",
            name={"family": "Quillfeather", "given": "Zephyrine"},
            nhs_number="9990000018",
            address={"kind": "current", "lines": ["4 Marchbanks Row"], "postcode": "S17 4QT"},
            involvements={
                "a1": {
                    "service": "health-visiting",
                    "team": "HV-1",
                    "since": "2021-03-14",
                    "phone": "0114 496 0871",
                }
            },
        )
        del record["nhs_number_withheld"]
        loop.load(record)
        loop.partition("caseload", "team:HV-1")
        server = make_server("127.0.0.1", 0, loop.app, threaded=True, fd=listener.fileno())
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            return traced(folder, f"http://{host}", loop.code("caseload"))
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            loop.close()


def traced(folder: Path, url: str, code: str) -> str:
    log = folder / "trace"
    root = TRACED.parents[2]
    subprocess.run(
        [
            *("strace", "-f", "-qq", "-y", "-s", "4194304", "-e", f"trace={CALLS}", "-o", str(log)),
            *(sys.executable, "-B", str(TRACED), str(folder / "device"), url, code, SLIP, PHONE),
        ],
        env={
            "PYTHONPATH": ":".join(str(root / source) for source in SOURCES),
            "PATH": "/usr/bin:/bin",
        },
        check=True,
    )
    return log.read_text(errors="replace")


def test_no_write_of_the_device_holds_anything_readable(trace: str) -> None:
    for what, needle in NEEDLES.items():
        assert needle not in trace, f"{what}: {found(trace, needle)}"


def test_no_file_the_device_wrote_holds_anything_readable(trace: str, folder: Path) -> None:
    written = {
        Path(path)
        for path in re.findall(r'(?:open|openat|creat)\((?:[^"]*)"([^"]+)", O_[^)]*WR', trace)
    }
    written |= {path for path in (folder / "device").rglob("*") if path.is_file()}
    assert {path.name for path in written} >= {"identity", "clock"}, sorted(written)
    for path in written:
        if path.is_file():
            content = path.read_bytes()
            for what, needle in NEEDLES.items():
                assert needle.encode() not in content, f"{what} in {path}"


def test_the_trace_would_have_seen_it(trace: str) -> None:
    assert re.search(r"write\(\d+<[^>]*/device/", trace), "no write into the device's folder"
    assert "sendto(" in trace or re.search(r"write\(\d+<socket", trace)


def found(trace: str, needle: str) -> str:
    place = trace.index(needle)
    return trace[max(0, place - 200) : place + 100]
