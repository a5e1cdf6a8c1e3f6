"""The settings: read once at the entry point from `SAMPAN_*` variables, then passed down (docs/operations)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from sampan.platform.errors import Invalid

PREFIX = "SAMPAN_"
HTTPS = 443
PLACE = re.compile(r"(?:(?P<name>[a-z0-9._-]{1,253})|\[(?P<v6>[0-9a-f:.]{2,45})\])(?::(?P<port>[0-9]{1,5}))?")


class BadSetting(Invalid):
    """A setting in the environment or on the command line is not of its form."""

    code = "bad_setting"


class Secret:
    """A text that is not shown when a setting is printed or logged."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "Secret(***)"


def about(description: str, **limits: Any) -> msgspec.Meta:
    """Return what is known of a setting: its description for the documentation, and its limits."""
    return msgspec.Meta(description=description, **limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an operator may set; no other module reads the environment."""

    data: Annotated[Path, about("Folder of the embedded engines: database, objects, keys.")] = Path("data")
    host: Annotated[str, about("Address that the server listens on.")] = "127.0.0.1"
    port: Annotated[int, about("Port that the server listens on; 0 takes a free one.", ge=0, le=65535)] = 8080
    public_url: Annotated[str, about("Address that devices reach this server by; empty: http://host:port.")] = ""
    trusted_proxies: Annotated[
        str, about("Addresses or networks, with commas, of proxies whose X-Forwarded-For is believed; empty: none.")
    ] = ""
    connections_per_address: Annotated[
        int,
        about(
            "Connections that one address may hold; trusted proxies and this machine are not counted; 0: no bound.",
            ge=0,
        ),
    ] = 2000
    default_workspace: Annotated[str, about("Workspace of requests without a /w/<workspace> prefix.")] = "demo"
    base_host: Annotated[
        str, about("Name below which every workspace has a host of its own, <workspace>.<base host>; empty: none.")
    ] = "sampan.localhost"
    apps_host: Annotated[
        str, about("Name below which every mini-app has an origin of its own; empty: apps.<base host>.")
    ] = ""
    console_host: Annotated[
        str, about("Host that alone serves the console and its API; empty: every host that names no workspace.")
    ] = ""
    private_hosts: Annotated[
        str, about("Hosts, `name:port` with commas, that calls of mini-apps may reach though private; no port: 443.")
    ] = ""
    demo: Annotated[bool, about("Demo: one-time codes are shown to the developer, tokens can be minted.")] = False
    master_key_file: Annotated[
        Path | None, about("File with the 32-byte master key in hex; else <data>/keys/master.key, made at init.")
    ] = None
    key_passphrase: Annotated[
        Secret | None, about("Passphrase of the server's encrypted key files (review, intake, online keys).")
    ] = None
    key_passphrase_file: Annotated[Path | None, about("File that holds the passphrase instead.")] = None
    log_level: Annotated[str, about("Least level of log lines: debug, info, warning, error.")] = "info"
    log_file: Annotated[Path | None, about("File that log lines are appended to; else standard error.")] = None
    max_package_bytes: Annotated[int, about("Largest package upload that is read at all, in bytes.", ge=1)] = (
        200 * 2**20
    )
    keep_refused_days: Annotated[
        int, about("Days after which the files of rejected and withdrawn versions are removed; 0: never.", ge=0)
    ] = 30
    stale_gate_minutes: Annotated[
        int,
        about("Minutes beyond a stage's own after which operators learn of a gate that hears of nothing.", ge=1),
    ] = 1440
    smtp_host: Annotated[str, about("Mail server for notices to operators; empty: no e-mail is sent.")] = ""
    smtp_port: Annotated[int, about("Port of the mail server.", ge=1, le=65535)] = 587
    smtp_tls: Annotated[
        Literal["starttls", "tls", "none"], about("How the mail server is spoken to: starttls, tls or none.")
    ] = "starttls"
    smtp_user: Annotated[str, about("Account at the mail server; empty: none.")] = ""
    smtp_password: Annotated[Secret | None, about("Password at the mail server.")] = None
    smtp_from: Annotated[str, about("Address that notices are sent from.")] = "sampan@localhost"
    webhook_private_hosts: Annotated[
        str, about("Hosts, `name:port` with commas, that webhooks may reach though private, by http too; no port: 443.")
    ] = ""
    shutdown_seconds: Annotated[float, about("How long a stopping server finishes what it began.", ge=0)] = 10.0

    def __post_init__(self) -> None:
        """Raise ValueError, which msgspec makes part of its own, for lists of hosts that are none."""
        listed_places(self.private_hosts)
        listed_places(self.webhook_private_hosts)


def listed_places(text: str) -> frozenset[tuple[str, int]]:
    """Return the hosts and ports of a list with commas: `name:port`, or `name`, which means 443.

    A port belongs to it: whoever may reach a service of the bank's own network may not reach all that runs beside it.
    """
    entries = [entry.strip().lower() for entry in text.split(",") if entry.strip()]
    found = [PLACE.fullmatch(entry) for entry in entries]
    wrong = [entry for entry, match in zip(entries, found, strict=True) if match is None or not _port_of(match)]
    if wrong:
        raise ValueError(f"{wrong[0]} is no host with a port, such as hooks.bank.internal:8443")
    return frozenset((match["name"] or match["v6"], _port_of(match)) for match in found if match)


def _port_of(match: re.Match[str]) -> int:
    """Return the port, 0 for one that is none."""
    port = int(match["port"] or HTTPS)
    return port if port < 65536 else 0


def read_settings(environment: Mapping[str, str], **chosen: Any) -> Settings:
    """Return the settings of the environment, with what the command line chose in their place.

    Raise `BadSetting` for a value that is not of its form; a variable that no setting has is somebody else's.
    """
    names = [field.name for field in fields(Settings)]
    given: dict[str, Any] = {
        name: environment[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in environment
    }
    given |= {name: value for name, value in chosen.items() if value is not None}
    try:
        return msgspec.convert(given, Settings, strict=False, dec_hook=_read)
    except msgspec.ValidationError as problem:
        raise BadSetting(f"A setting is not of its form (docs/operations/settings.md): {problem}.") from problem


def _read(kind: type, value: Any) -> Any:
    """Read the types that msgspec does not know."""
    return value if isinstance(value, kind) else kind(value)
