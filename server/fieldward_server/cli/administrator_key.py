"""An administrator's key: Ed25519, in a file that opens with a passphrase.

The format is OpenSSH's, so that ``ssh-keygen -p`` changes the passphrase and ``ssh-keygen -l``
shows the fingerprint. A key without a passphrase is refused: whoever copied the file would command
devices.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from fieldward_server.durable import write_new
from fieldward_sync.errors import CallerMistake

MIN_PASSPHRASE_CHARACTERS = 12
KDF_ROUNDS = 32
"""Of bcrypt: about 0.3 s a guess. OpenSSH's own default is 16."""


def new_key_file(path: Path, passphrase: Callable[[], str]) -> Path:
    """Make a key and its file, and the public half's beside it; where that one is.

    The passphrase is asked for once the place is known to be free. Raises ``CallerMistake``:
    "key-exists", "passphrase-short", "key-file" where none can be made.
    """
    public_path = public_key_path(path)
    if path.exists() or public_path.exists():
        raise _exists(path)
    chosen = passphrase()
    if len(chosen) < MIN_PASSPHRASE_CHARACTERS:
        raise CallerMistake(
            "passphrase-short",
            f"A passphrase has at least {MIN_PASSPHRASE_CHARACTERS} characters.",
            next_step="Take four words that nobody would guess together.",
        )
    key = Ed25519PrivateKey.generate()
    builder = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(KDF_ROUNDS)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, builder.build(chosen.encode()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    try:
        write_new(path, private)
        public_path.write_bytes(public + b" fieldward administrator\n")
    except FileExistsError as e:
        raise _exists(path) from e
    except OSError as e:
        raise _unusable(path, e.strerror or "it cannot be written") from e
    return public_path


def public_key_path(path: Path) -> Path:
    """Where the public half of a key lies."""
    return path.with_name(f"{path.name}.pub")


def read_key_file(path: Path, passphrase: Callable[[], str]) -> Ed25519PrivateKey:
    """The key in a file; its passphrase is asked for once the file has been read.

    Raises ``CallerMistake``: "no-key", "key-unprotected", "passphrase-wrong" or "key-file".
    """
    data = _read(path)
    try:
        key = load_ssh_private_key(data, passphrase().encode())
    except TypeError as e:
        raise CallerMistake(
            "key-unprotected",
            f"{path} is not protected by a passphrase.",
            next_step=f"Give it one: ssh-keygen -p -f {path}",
        ) from e
    except (ValueError, UnsupportedAlgorithm) as e:
        if not data.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----"):
            raise _unusable(path, "it is no private key in OpenSSH's format") from e
        raise CallerMistake(
            "passphrase-wrong",
            f"The passphrase does not open {path}, or the file is damaged.",
            next_step="Type it again, or correct the file that FIELDWARD_PASSPHRASE_FILE names.",
        ) from e
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "it is not an Ed25519 key")
    return key


def read_public_key_file(path: Path) -> bytes:
    """The 32 bytes of the public key in a ``.pub`` file; ``CallerMistake("key-file")``."""
    try:
        key = load_ssh_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm) as e:
        raise _unusable(path, "it is no public key in OpenSSH's format") from e
    if not isinstance(key, Ed25519PublicKey):
        raise _unusable(path, "it is not an Ed25519 key")
    return key.public_bytes_raw()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as e:
        raise CallerMistake(
            "no-key",
            f"There is no key {path}.",
            next_step="Make one with `fieldward administrator key`, or name the right file.",
        ) from e
    except OSError as e:
        raise _unusable(path, e.strerror or "it cannot be read") from e


def _unusable(path: Path, why: str) -> CallerMistake:
    return CallerMistake(
        "key-file",
        f"{path} cannot be used: {why}.",
        next_step="Name another file, or make a key with `fieldward administrator key`.",
    )


def _exists(path: Path) -> CallerMistake:
    return CallerMistake(
        "key-exists",
        f"There is a {path} already.",
        next_step="Use that key, or name another file with --key (FIELDWARD_KEY).",
    )
