"""An administrator's key: a file in OpenSSH's format that opens with a passphrase or not at all."""

from __future__ import annotations

import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from fieldward_server.cli import administrator_key
from fieldward_server.cli.administrator_key import (
    KDF_ROUNDS,
    new_key_file,
    public_key_path,
    read_key_file,
    read_public_key_file,
)
from fieldward_sync.errors import CallerMistake

PASSPHRASE = "correct horse battery staple"
CHEAP_ROUNDS = 1


@pytest.fixture(autouse=True)
def _cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administrator_key, "KDF_ROUNDS", CHEAP_ROUNDS)


def says(passphrase: str = PASSPHRASE) -> str:
    return passphrase


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A key that was made."""
    made = tmp_path / "fieldward" / "administrator"
    new_key_file(made, says)
    return made


def test_a_key_opens_with_its_passphrase_and_fits_its_public_half(path: Path) -> None:
    key = read_key_file(path, says)
    assert read_public_key_file(public_key_path(path)) == key.public_key().public_bytes_raw()


def test_a_key_is_for_its_owner_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_of_a_key_lies_open_in_its_file(path: Path) -> None:
    seed = read_key_file(path, says).private_bytes_raw()
    assert b"aes256-ctr" in _content(path)
    assert seed not in _content(path)


def test_a_guess_at_the_passphrase_costs_what_the_threat_model_says(path: Path) -> None:
    page = Path(__file__).parents[2] / "docs/threat-model.md"
    assert f"(bcrypt, {KDF_ROUNDS} rounds)" in page.read_text()
    assert _rounds(path) == CHEAP_ROUNDS, "of what the constant says, here less"


def _rounds(path: Path) -> int:
    """How often bcrypt is gone through: in the file it follows 16 bytes of salt."""
    _, _, options = _content(path).partition(b"bcrypt")
    return int.from_bytes(options[24:28])


def _content(path: Path) -> bytes:
    return b64decode("".join(path.read_text().splitlines()[1:-1]))


def test_openssh_reads_the_key_and_changes_its_passphrase(path: Path) -> None:
    """The format is OpenSSH's own, so that people need no tool of ours for it."""
    other = "another passphrase altogether"
    change = ("ssh-keygen", "-q", "-p", "-P", PASSPHRASE, "-N", other, "-f", str(path))
    subprocess.run(change, check=True, stdin=subprocess.DEVNULL)
    shown = subprocess.run(
        ("ssh-keygen", "-y", "-P", other, "-f", str(path)),
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.split()[1] == public_key_path(path).read_text().split()[1]
    assert read_key_file(path, lambda: other).public_key().public_bytes_raw()


def test_a_wrong_passphrase_is_told(path: Path) -> None:
    with pytest.raises(CallerMistake, match="passphrase-wrong"):
        read_key_file(path, lambda: "something else")


def test_a_short_passphrase_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(CallerMistake, match="passphrase-short"):
        new_key_file(tmp_path / "key", lambda: "short")
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_there_is_never_written_over(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(CallerMistake, match="key-exists"):
        new_key_file(path, says)
    assert path.read_bytes() == before


def test_without_a_key_nobody_is_asked_for_a_passphrase(tmp_path: Path) -> None:
    def ask() -> str:
        pytest.fail("Somebody was asked.")

    with pytest.raises(CallerMistake, match="no-key"):
        read_key_file(tmp_path / "key", ask)


def written(path: Path, *, key: str, protected: bool) -> Path:
    """A key of another kind."""
    private = (
        Ed25519PrivateKey.generate() if key == "ed25519" else generate_private_key(65537, 2048)
    )
    protection = BestAvailableEncryption(PASSPHRASE.encode()) if protected else NoEncryption()
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, protection))
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    public_key_path(path).write_bytes(public)
    return path


def test_a_key_without_a_passphrase_is_refused(tmp_path: Path) -> None:
    """Whoever copied the file would command devices."""
    with pytest.raises(CallerMistake, match="key-unprotected"):
        read_key_file(written(tmp_path / "key", key="ed25519", protected=False), says)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "key", key="rsa", protected=True)
    with pytest.raises(CallerMistake, match="key-file"):
        read_key_file(path, says)
    with pytest.raises(CallerMistake, match="key-file"):
        read_public_key_file(public_key_path(path))


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_file_that_holds_no_key_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(CallerMistake, match="key-file"):
        read_key_file(tmp_path / "key", says)
    with pytest.raises(CallerMistake, match="key-file"):
        read_public_key_file(tmp_path / "key")


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(CallerMistake, match="key-file"):
        read_key_file(tmp_path, says)
