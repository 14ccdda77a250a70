"""What an integrator receives: the wheel, and how it behaves beside code we do not know."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from email.parser import Parser
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from click import Context
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from children import child
from fieldward_server.cli.root import root
from loop_over_http import HttpLoop, http_loop

PROJECT = Path(__file__).parents[2]
SOURCE_ROOTS = ("sync", "server", "client_sdk")
UV = Path(sys.prefix) / "bin" / "uv"

SETTINGS = ConfigParser()
SETTINGS.read(PROJECT / "setup.cfg")

PASSPHRASE = "correct horse battery staple"

INTEGRATOR = """
import json, sys
import sync, server
import fieldward_client
from fieldward_client import Device

home, server_url, code, passphrase = sys.argv[1:]
with Device.enrol(home, server_url, code, passphrase=passphrase, name="tablet") as device:
    report = device.sync()
    with device.session(reason="home-visit") as session:
        [hit] = session.search(family="okafr")
        session.open(hit.record_id).edit("involvements/a1.phone", "07700 900123")
    sent = device.sync().edits_sent
print(json.dumps({
    "own": [sync.__file__, server.__file__],
    "sdk": fieldward_client.__file__,
    "did": [report.outcome.value, hit.given, sent],
}))
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What the command prints; if it fails, the test does, with all it said."""
    env = {"HOME": str(cwd), **environment}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def source_files() -> set[str]:
    """Every file of our packages, named as in a wheel."""
    return {
        str(path.relative_to(PROJECT / root))
        for root in SOURCE_ROOTS
        for path in (PROJECT / root).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: what an earlier build left behind must not creep in."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCE_ROOTS:
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, source)
    options = ("--offline", "--no-build-isolation", "--python", sys.executable)
    run(UV, "build", "--wheel", *options, "--out-dir", source / "dist", cwd=source)
    [built] = (source / "dist").glob("*.whl")
    return built


class Installed:
    """The wheel in an environment that has what one extra asks for, and nothing else."""

    def __init__(self, wheel: Path, folder: Path, extra: str) -> None:
        venv = folder / "venv"
        self._folder = folder
        self.bin = venv / "bin"
        run(UV, "venv", "--offline", "--python", sys.executable, venv, cwd=folder)
        install = ("pip", "install", "--offline", "--no-deps", "--python", self.bin / "python")
        run(UV, *install, wheel, cwd=folder)
        [self.site_packages] = venv.glob("lib/python*/site-packages")
        for name in needed_by(wheel, extra):
            lend(distribution(name), self.site_packages)

    def python(self, *words: str | Path, cwd: Path) -> str:
        """What a Python program prints."""
        return run(self.bin / "python", *words, cwd=cwd)

    def fieldward(self, *words: str | Path, **environment: str) -> str:
        """What a command prints that succeeds."""
        return run(self.bin / "fieldward", *words, cwd=self._folder, **environment)

    def refusal(self, *words: str) -> str:
        """What a command says that cannot be had here."""
        done = subprocess.run(
            [self.bin / "fieldward", *words],
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(self._folder)},
        )
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def has(self, module: str) -> bool:
        """Whether a module can be imported."""
        probe = "import sys, importlib.util; print(importlib.util.find_spec(sys.argv[1]))"
        return self.python("-c", probe, module, cwd=self._folder).strip() != "None"


def needed_by(wheel: Path, extra: str) -> set[str]:
    """Every distribution that the wheel needs with an extra, by what the metadata say."""
    with ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        headers = Parser().parsestr(archive.read(metadata).decode())
    found: set[tuple[str, str]] = set()
    wanted = [(line, extra) for line in headers.get_all("Requires-Dist", ())]
    while wanted:
        line, of_extra = wanted.pop()
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": of_extra}):
            continue
        for extra_of_it in requirement.extras | {""}:
            key = (canonicalize_name(requirement.name), extra_of_it)
            if key not in found:
                found.add(key)
                requires = distribution(requirement.name).requires or ()
                wanted.extend((each, extra_of_it) for each in requires)
    return {name for name, _ in found}


def lend(borrowed: Distribution, site_packages: Path) -> None:
    """Let another environment see one distribution of ours."""
    for name in {file.parts[0] for file in borrowed.files or ()} - {"..", "__pycache__"}:
        target = site_packages / name
        if not target.exists():
            target.symlink_to(Path(str(borrowed.locate_file(name))))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What `pip install fieldward` gives."""
    return Installed(wheel, tmp_path_factory.mktemp("bare"), "")


@pytest.fixture(scope="module")
def field(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What `pip install fieldward[field]` gives."""
    return Installed(wheel, tmp_path_factory.mktemp("field"), "field")


@pytest.fixture(scope="module")
def server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What `pip install fieldward[server]` gives."""
    return Installed(wheel, tmp_path_factory.mktemp("server"), "server")


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[HttpLoop]:
    """A server with one child in the partition West."""
    with http_loop(tmp_path / "loop") as loop:
        loop.load(child("r-ada"))
        loop.partition("west", "all")
        yield loop


def test_every_folder_with_modules_is_a_listed_package() -> None:
    folders = {
        str(Path(name).parent).replace("/", ".") for name in source_files() if name.endswith(".py")
    }

    assert set(SETTINGS["options"]["packages"].split()) == folders


def test_the_wheel_holds_every_file_of_our_packages_and_nothing_else(wheel: Path) -> None:
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert held == source_files()


@pytest.mark.parametrize("package", ["fieldward_sync", "fieldward_server", "fieldward_client"])
def test_type_checkers_may_rely_on_our_annotations(wheel: Path, package: str) -> None:
    assert f"{package}/py.typed" in ZipFile(wheel).namelist()


def test_the_sdk_works_beside_an_integrators_own_sync_and_server(
    bare: Installed, loop: HttpLoop, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "sync.py").touch()
    (app / "server.py").touch()
    (app / "main.py").write_text(INTEGRATOR)

    told = (app / "device", loop.url, loop.code("west"), PASSPHRASE)
    seen = json.loads(bare.python(app / "main.py", *told, cwd=app))

    assert seen["own"] == [str(app / "sync.py"), str(app / "server.py")]
    assert Path(seen["sdk"]).is_relative_to(bare.site_packages)
    assert seen["did"] == ["complete", "Ada", 1]


def test_the_bare_install_brings_neither_the_service_nor_the_command_line(bare: Installed) -> None:
    assert bare.has("fieldward_client")
    for module in ("flask", "click", "rich", "psycopg", "apscheduler", "gunicorn"):
        assert not bare.has(module)


def test_the_bare_install_says_which_extra_brings_the_command_line(bare: Installed) -> None:
    assert "fieldward[field]" in bare.refusal("field", "status")


def test_a_device_in_a_terminal_needs_no_flask(
    field: Installed, loop: HttpLoop, tmp_path: Path
) -> None:
    assert not field.has("flask")
    (tmp_path / "passphrase").write_text(PASSPHRASE)

    def typed(*words: str) -> str:
        return field.fieldward(
            *("field", *words, "--folder", str(tmp_path / "device")),
            FIELDWARD_DEVICE_PASSPHRASE_FILE=str(tmp_path / "passphrase"),
        )

    typed("enrol", loop.code("west"), "--server", loop.url, "--name", "tablet")
    assert "Sync complete" in typed("sync")
    assert "Okafor, Ada" in typed("search", "--family=okafr", "--reason=clinic")


def test_the_terminal_install_says_which_extra_brings_the_service(field: Installed) -> None:
    assert "A device in this terminal" in field.fieldward("--help")
    assert "fieldward[server]" in field.refusal("migrate")


def test_the_server_install_lacks_nothing_that_a_command_imports(server: Installed) -> None:
    for name in root.list_commands(Context(root)):
        assert f"fieldward {name}" in server.fieldward(name, "--help")
