"""The service's settings: one frozen value, read once from a TOML file and the environment.

Every setting is a key of the file and, in capitals behind ``FIELDWARD_``, a variable of the
environment; the variable wins. All mistakes are reported together.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

from fieldward_server.master_key_sources import KeyCommand, KeyFile, KeyText, MasterKeySource
from fieldward_server.services.distribution.absence import MARGIN_SECONDS, least_seconds
from fieldward_server.services.distribution.rebuilding import REMOVAL_SECONDS
from fieldward_sync.errors import CallerMistake
from fieldward_sync.leases import LeaseTerms
from fieldward_sync.messages import MAX_REQUEST_BYTES, Assurance

PREFIX = "FIELDWARD_"
FILE_VARIABLE = "FIELDWARD_CONFIG"
"""Names the file; not a setting itself."""
_NO_SETTINGS = {
    FILE_VARIABLE,
    # Of the command line: which server an administrator commands, with which key, for whom.
    "FIELDWARD_SERVER",
    "FIELDWARD_AUTHORITY",
    "FIELDWARD_KEY",
    "FIELDWARD_PASSPHRASE_FILE",
    # Of a device in a terminal.
    "FIELDWARD_DEVICE_PASSPHRASE_FILE",
    "FIELDWARD_PRACTITIONER",
}

LOG_LEVELS = ("debug", "info", "warning", "error")

_SQLITE = "sqlite:///"
_DAY = 24 * 3600
_LONGEST_SEAL_EVERY = _DAY - REMOVAL_SECONDS - 3600
"""So that what was removed is out of the files within a day, with an hour for the run itself."""
_HTTP_PORT = 80
_AUTHORITY = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?")
_ADDRESS = re.compile(r"(?:(?P<host>[a-z0-9.-]+)|\[(?P<v6>[0-9a-f:.]+)\]):(?P<port>[0-9]{1,5})")
_MAX_PORT = 65535


@dataclass(frozen=True)
class Config:
    """Every setting of the service, checked."""

    data_folder: Path
    """Sealed files and, unless told otherwise, the database and the master key."""
    master_key_file: Path
    """The 32 bytes that wrap every key at rest. Made by the first migration; back it up apart."""
    master_key_command: str
    """A program and its arguments that print the master key instead; empty: there is a file."""
    master_key: str = field(repr=False)
    """The master key itself, for who keeps it in the environment; empty: it is elsewhere."""
    shield_register_file: Path
    """What a restored backup must not undo. Apart from the database: on another disk, best."""
    database_url: str
    """``sqlite:///<path>`` or ``postgresql://…``."""
    public_authority: str
    """The host, and the port unless it is the scheme's default, that devices call and sign as
    ``@authority``. Empty: the address listened on."""
    listen_host: str
    listen_port: int
    """0: a free one."""
    metrics_listen: str
    """``host:port`` where ``GET /metrics`` is answered, to anybody; empty: nowhere."""
    workers: int
    threads: int
    """Per worker."""
    downloads: int
    """First syncs and large downloads that a worker has under way at once."""
    seal_every_seconds: int
    lease_warning_seconds: int
    lease_closes_seconds: int
    lease_destroys_seconds: int
    absence_seconds: int
    """How long what a device may have missed is kept for it: longer than any lease."""
    lease_look_ups: int
    """Until it is renewed."""
    lease_idle_seconds: int
    """Unused for this long, a device locks itself."""
    least_assurance: Assurance
    """Where devices keep their secret: ``file``, or ``platform`` for its key store alone."""
    log_level: str
    max_request_bytes: int

    @property
    def listen_address(self) -> str:
        """Host and port of its own, as they stand in a URL."""
        host = f"[{self.listen_host}]" if ":" in self.listen_host else self.listen_host
        return host if self.listen_port == _HTTP_PORT else f"{host}:{self.listen_port}"

    @property
    def signed_authority(self) -> str:
        """What ``@authority`` must be in every signed request."""
        return self.public_authority or self.listen_address

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Host and port of ``metrics_listen``, where it says any."""
        return _read_address(self.metrics_listen)

    @property
    def metrics_folder(self) -> Path:
        """Where the workers of this listening address count together."""
        return self.data_folder / "metrics" / str(self.listen_port)

    @property
    def files_folder(self) -> Path:
        """Where the sealed files lie."""
        return self.data_folder / "files"

    @property
    def lease_terms(self) -> LeaseTerms:
        """How long leases run, what they allow, and how soon an unused device locks."""
        return LeaseTerms(
            warning_seconds=self.lease_warning_seconds,
            closes_seconds=self.lease_closes_seconds,
            destroys_seconds=self.lease_destroys_seconds,
            look_ups=self.lease_look_ups,
            idle_seconds=self.lease_idle_seconds,
        )

    @property
    def master_key_source(self) -> MasterKeySource:
        """Where the master key is."""
        if self.master_key:
            return KeyText(self.master_key)
        if self.master_key_command:
            return KeyCommand(tuple(shlex.split(self.master_key_command)))
        return KeyFile(self.master_key_file)

    def listening_on(self, port: int) -> Config:
        """The same settings, with the port that was found free."""
        return replace(self, listen_port=port)

    def describe(self) -> dict[str, str | int]:
        """The effective values, for people and logs, without secrets."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        shown = {name: v if isinstance(v, int) else str(v) for name, v in values.items()}
        return shown | {
            "database_url": _without_password(self.database_url),
            "master_key": "…" if self.master_key else "",
            "public_authority": self.signed_authority,
        }


def load_config(file: Path | None, environ: Mapping[str, str]) -> Config:
    """The settings in ``file`` and ``environ``; ``CallerMistake("config-wrong")`` naming every
    mistake. Relative paths in the file are taken from the file's own folder."""
    mistakes: list[str] = []
    given = {**_from_file(file, mistakes), **_from_environment(environ, mistakes)}
    values: dict[str, Any] = {}
    for name, setting in _SETTINGS.items():
        try:
            values[name] = setting.read(given[name]) if name in given else setting.default(values)
        except ValueError as e:
            mistakes.append(f"{name}: {e}")
    if not mistakes:
        mistakes.extend(_disagreements(values))
    if mistakes:
        raise CallerMistake(
            "config-wrong",
            "The settings are wrong:\n" + "\n".join(f"  {mistake}" for mistake in mistakes),
            next_step="Correct them all; `fieldward config check` shows what is in force.",
        )
    return Config(**values)


def _from_file(file: Path | None, mistakes: list[str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        given = tomllib.loads(file.read_text())
    except OSError as e:
        mistakes.append(f"{file}: cannot be read ({e.strerror})")
        return {}
    except ValueError as e:
        mistakes.append(f"{file}: not TOML: {e}")
        return {}
    _name_unknown(given, f"{file}: no setting is called {{}}", mistakes)
    in_its_folder = {
        name: str(file.parent / value)
        for name, value in given.items()
        if name in _PATHS and isinstance(value, str) and value
    }
    return given | in_its_folder


def _from_environment(environ: Mapping[str, str], mistakes: list[str]) -> dict[str, Any]:
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in _NO_SETTINGS
    }
    _name_unknown(given, "environment: no setting is called {}", mistakes)
    return given


def _name_unknown(given: Mapping[str, Any], message: str, mistakes: list[str]) -> None:
    mistakes.extend(
        message.format(name) + _suggestion(name) for name in sorted(given.keys() - _SETTINGS.keys())
    )


def _suggestion(name: str) -> str:
    """Which setting a misspelt one is likely to be; empty if none is near."""
    near = get_close_matches(name, _SETTINGS, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _disagreements(values: Mapping[str, Any]) -> Iterator[str]:
    """What is right for itself and wrong together."""
    terms = [values[f"lease_{end}_seconds"] for end in ("warning", "closes", "destroys")]
    if terms != sorted(terms):
        yield "lease_…_seconds: a lease first warns, then closes, then destroys"
    destroys, kept = values["lease_destroys_seconds"], values["absence_seconds"]
    if kept < (least := least_seconds(destroys)):
        yield (
            f"absence_seconds: {kept} is less than lease_destroys_seconds ({destroys}) and"
            f" {MARGIN_SECONDS} more; raise absence_seconds to {least} or shorten"
            " lease_destroys_seconds, or devices that were away would not be told what they missed"
        )
    if values["master_key"] and values["master_key_command"]:
        yield "master_key, master_key_command: it comes from one place; leave one of them out"
    if 1 < values["threads"] <= values["downloads"]:
        yield "downloads: they would take every thread; fewer than threads leave some for syncs"
    # Even on another host: which listener a connection came to is told by its port.
    address, port = _read_address(values["metrics_listen"]), values["listen_port"]
    if address is not None and port and address[1] == port:
        yield "metrics_listen: its port is the one that devices call"


@dataclass(frozen=True)
class _Setting:
    """How one setting is read, and what it is when nobody says: from the settings before it."""

    read: Callable[[Any], Any]
    default: Callable[[Mapping[str, Any]], Any]


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        digits = str(value) if isinstance(value, str) or type(value) is int else ""
        if not re.fullmatch(r"[0-9]{1,12}", digits) or not low <= int(digits) <= high:
            raise ValueError(f"{value!r} is not a whole number from {low} to {high}")
        return int(digits)

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a text")
    return value.strip()


def _path(value: Any) -> Path:
    return Path(_text(value)).absolute()


def _database_url(value: Any) -> str:
    url = _text(value)
    if not url.startswith((_SQLITE, "postgresql://")):
        raise ValueError("it begins with neither sqlite:/// nor postgresql://")
    return url


def _command(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    shlex.split(value)  # quotation marks that are not closed are found here
    return value.strip()


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it is not a text")  # without repeating it: it is a secret
    return value.strip()


def _authority(value: Any) -> str:
    if not isinstance(value, str) or (value and not _AUTHORITY.fullmatch(value)):
        raise ValueError(f"{value!r} is not a host in lower case with an optional port")
    return value


def _address(value: Any) -> str:
    if not isinstance(value, str) or (value and _read_address(value) is None):
        raise ValueError(f"{value!r} is not an address and port such as 127.0.0.1:9441")
    return value


def _read_address(address: str) -> tuple[str, int] | None:
    """Host and port of ``host:port`` or ``[v6]:port``; ``None`` if it is neither."""
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > _MAX_PORT:
        return None
    return found["host"] or found["v6"], int(found["port"])


def _log_level(value: Any) -> str:
    if value not in LOG_LEVELS:
        raise ValueError(f"{value!r} is none of {', '.join(LOG_LEVELS)}")
    return str(value)


def _assurance(value: Any) -> str:
    if value not in get_args(Assurance):
        raise ValueError(f"{value!r} is none of {', '.join(get_args(Assurance))}")
    return str(value)


def _always(value: Any) -> Callable[[Mapping[str, Any]], Any]:
    return lambda _: value


def _in_data_folder(name: str, form: Callable[[Path], Any]) -> Callable[[Mapping[str, Any]], Any]:
    def default(values: Mapping[str, Any]) -> Any:
        # Where data_folder itself is wrong that has been said; any folder will do then.
        return form(values.get("data_folder", Path()) / name)

    return default


def _beside(file: Path, name: str) -> Path:
    return file.parent / name


_PATHS = ("data_folder", "master_key_file", "shield_register_file")
_TERMS = LeaseTerms()

_SETTINGS = {
    "data_folder": _Setting(_path, lambda _: _path("fieldward-data")),
    "master_key_file": _Setting(_path, _in_data_folder("master.key", lambda path: path)),
    "master_key_command": _Setting(_command, _always("")),
    "master_key": _Setting(_key, _always("")),
    "shield_register_file": _Setting(
        _path, lambda values: _beside(values.get("master_key_file", Path()), "shield-register")
    ),
    "database_url": _Setting(
        _database_url, _in_data_folder("fieldward.db", lambda path: f"sqlite:///{path}")
    ),
    "public_authority": _Setting(_authority, _always("")),
    "listen_host": _Setting(_text, _always("127.0.0.1")),
    "listen_port": _Setting(_whole(0, _MAX_PORT), _always(8441)),
    "metrics_listen": _Setting(_address, _always("")),
    "workers": _Setting(_whole(1, 64), _always(2)),
    "threads": _Setting(_whole(1, 256), _always(8)),
    "downloads": _Setting(_whole(1, 256), lambda values: max(1, values.get("threads", 2) // 2)),
    "seal_every_seconds": _Setting(_whole(1, _LONGEST_SEAL_EVERY), _always(30)),
    "lease_warning_seconds": _Setting(_whole(1, 366 * _DAY), _always(_TERMS.warning_seconds)),
    "lease_closes_seconds": _Setting(_whole(1, 366 * _DAY), _always(_TERMS.closes_seconds)),
    "lease_destroys_seconds": _Setting(_whole(1, 366 * _DAY), _always(_TERMS.destroys_seconds)),
    "absence_seconds": _Setting(
        _whole(1, 400 * _DAY),
        lambda values: least_seconds(values.get("lease_destroys_seconds", _TERMS.destroys_seconds)),
    ),
    "lease_look_ups": _Setting(_whole(20, 5_000), _always(_TERMS.look_ups)),
    "lease_idle_seconds": _Setting(_whole(60, _DAY), _always(_TERMS.idle_seconds)),
    "least_assurance": _Setting(_assurance, _always("file")),
    "log_level": _Setting(_log_level, _always("info")),
    "max_request_bytes": _Setting(_whole(1024, MAX_REQUEST_BYTES), _always(MAX_REQUEST_BYTES)),
}


def _without_password(url: str) -> str:
    """A PostgreSQL URL as it may be shown, however a password was put into it."""
    if url.startswith(_SQLITE):
        return url
    # Up to the last @: a password may hold any character that somebody forgot to encode.
    address, mark, query = re.sub(r"(//[^:/@?]*:).*(?=@)", r"\1…", url).partition("?")
    return address + mark + "&".join(map(_without_value_of_secret, query.split("&")))


def _without_value_of_secret(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}{equals}…" if "pass" in unquote(name).lower() else parameter
