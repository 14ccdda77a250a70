"""What an integrator receives: the wheel, and how it behaves beside code we do not know."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
SOURCE_ROOTS = ("sync", "server", "client_sdk")
UV = Path(sys.prefix) / "bin" / "uv"

SETTINGS = ConfigParser()
SETTINGS.read(PROJECT / "setup.cfg")

INTEGRATOR = """
import json, sys
import sync, server
import fieldward_client
print(json.dumps({
    "own": [sync.__file__, server.__file__],
    "sdk": fieldward_client.__file__,
    "loaded": sorted(sys.modules),
}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """What the command prints; if it fails, the test does, with all it said."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={"HOME": str(cwd)})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names_of(requirements: str) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements.split()}


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


@pytest.fixture
def bare_python(wheel: Path, tmp_path: Path) -> Path:
    """A Python that has the wheel installed and sees our dependencies, but not our sources."""
    venv = tmp_path / "venv"
    run(UV, "venv", "--offline", "--python", sys.executable, venv, cwd=tmp_path)
    python = venv / "bin" / "python"
    run(UV, "pip", "install", "--offline", "--no-deps", "--python", python, wheel, cwd=tmp_path)
    # A folder named in a .pth file is searched, but .pth files inside it, such as the one of our
    # own editable install, are not read.
    [site_packages] = venv.glob("lib/python*/site-packages")
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    (site_packages / "dependencies.pth").write_text("\n".join(dependencies))
    return python


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


def test_the_sdk_lives_beside_an_integrators_own_sync_and_server(
    bare_python: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    (app / "server").mkdir(parents=True)
    (app / "sync.py").touch()
    (app / "server" / "__init__.py").touch()
    (app / "main.py").write_text(INTEGRATOR)

    seen = json.loads(run(bare_python, app / "main.py", cwd=app))

    assert seen["own"] == [str(app / "sync.py"), str(app / "server" / "__init__.py")]
    assert Path(seen["sdk"]).is_relative_to(bare_python.parents[1])
    assert server_only_modules() & set(seen["loaded"]) == set()


def server_only_modules() -> set[str]:
    """The importable names that only `fieldward[server]` brings."""
    extra = names_of(SETTINGS["options.extras_require"]["server"])
    modules = {
        module
        for module, distributions in packages_distributions().items()
        if extra & {canonicalize_name(name) for name in distributions}
    }
    assert "flask" in modules
    return modules
