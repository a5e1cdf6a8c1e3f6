"""`control/<app>.json`: what may be offered, what is killed, what may go back. Small, canonical, one per app.

The platform signs it alone, so it may only ever choose among versions that publisher and reviewer signed, and
the security floor in the app role stands above it. Form and rules: docs/protocols/trust.md.
"""

import re
from typing import Any, Self

import msgspec
from msgspec import Struct

from sampan.offline_packages.limits import MAX_SEQUENCE, MAX_STACK
from sampan.offline_packages.trust_errors import ControlMalformed, RolledBack
from sampan.platform.crypto.canonical import NotCanonical, canonical_json, parse_canonical
from sampan.platform.crypto.digest import is_digest
from sampan.platform.ids import APP_ID

MAX_CONTROL_BYTES = 256 * 1024
MAX_OFFLINE_DAYS = 3650

_SERIAL = re.compile(r"(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Serial(Struct, frozen=True, order=True):
    """`(incarnation, n)`, written `"3.87"`; the incarnation rises when a server is restored and counts first."""

    incarnation: int
    n: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `"3.87"`; raise `ControlMalformed` for any other spelling."""
        match = _SERIAL.fullmatch(text)
        if match is None:
            raise ControlMalformed(f"{text[:40]!r} is no serial; the form is incarnation, a dot, a number.")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.incarnation}.{self.n}"


class Killed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version that may neither install nor open; `code` tells the user why, by a text of the shell."""

    sequence: int
    digest: str
    code: str


class Stack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A valid stack of hotfixes on a version (their numbers, rising) and the package digest that results."""

    sequence: int
    patches: tuple[str, ...]
    digest: str


class Rollback(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Permission to go back: devices whose highest installed sequence is `from_` may install `to` with `digest`."""

    from_: int
    to: int
    digest: str
    serial: str


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the shell shows about the app, in both languages."""

    zh: str
    en: str


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One app's control file. `offerable` is sorted; digests are package digests."""

    app: str
    serial: str
    offerable: tuple[int, ...]
    killed: tuple[Killed, ...]
    stacks: tuple[Stack, ...]
    rollback: tuple[Rollback, ...]
    max_offline_days: int | None = None
    message: Message | None = None

    @property
    def order(self) -> Serial:
        """The serial, comparable."""
        return Serial.parse(self.serial)

    def to_bytes(self) -> bytes:
        """Return the canonical bytes that the control role signs; raise `ControlMalformed` for a wrong value."""
        _check(self)
        return canonical_json(msgspec.to_builtins(self))

    def killed_entry(self, sequence: int, digest: str) -> Killed | None:
        """Return the kill that hits this version, by its sequence or by its digest, or None."""
        return next((each for each in self.killed if each.sequence == sequence or each.digest == digest), None)

    def has_stack(self, sequence: int, patches: tuple[str, ...], digest: str) -> bool:
        """Whether exactly this stack with this result is listed."""
        return Stack(sequence, patches, digest) in self.stacks

    def allows_rollback(self, highest: int, sequence: int, digest: str) -> bool:
        """Whether an entry names exactly this pair of highest installed and offered version."""
        return any(each.from_ == highest and each.to == sequence and each.digest == digest for each in self.rollback)


def parse_control(data: bytes, app_id: str) -> Control:
    """Read a control file of this app; raise `ControlMalformed` for any other form, field, app or spelling."""
    if len(data) > MAX_CONTROL_BYTES:
        raise ControlMalformed(f"The control file is larger than {MAX_CONTROL_BYTES} bytes.")
    try:
        value: Any = parse_canonical(data)
        control = msgspec.convert(value, Control)
    except (NotCanonical, msgspec.ValidationError, RecursionError) as problem:
        raise ControlMalformed(f"The control file is not of the documented form: {str(problem)[:200]}.") from problem
    _check(control)
    if control.app != app_id:
        raise ControlMalformed(f"The control file is for {control.app[:100]!r}, not for {app_id!r}.")
    if control.to_bytes() != data:
        raise ControlMalformed("The control file spells out a member that must be left out.")
    return control


def check_not_older(new: Control, seen: Control | None) -> None:
    """Raise `RolledBack` when `new` has a lower serial than what was seen, or another content under the same one."""
    if seen is None:
        return
    if new.order < seen.order or (new.order == seen.order and new != seen):
        raise RolledBack(
            f"The control file of {new.app} has serial {new.serial}; {seen.serial} was seen before.",
            serial=new.serial,
            seen=seen.serial,
        )


def suspended(control: Control, serial: Serial) -> Control:
    """Return the control that offers nothing any more: the first step when a publisher's key is stolen."""
    return msgspec.structs.replace(control, serial=str(serial), offerable=())


def _check(control: Control) -> None:
    _require(APP_ID.fullmatch(control.app) is not None, "app is no app id")
    serial = Serial.parse(control.serial)
    _require(list(control.offerable) == sorted(set(control.offerable)), "offerable must be sorted, without doubles")
    for sequence in control.offerable:
        _check_sequence(sequence)
    for killed in control.killed:
        _check_sequence(killed.sequence)
        _check_digest(killed.digest)
        _require(_CODE.fullmatch(killed.code) is not None, "a kill code is a word of lower-case letters")
    for stack in control.stacks:
        _check_sequence(stack.sequence)
        _check_digest(stack.digest)
        _check_patches(stack.patches)
    for entry in control.rollback:
        _check_sequence(entry.from_)
        _check_sequence(entry.to)
        _check_digest(entry.digest)
        _require(entry.to < entry.from_, "a roll-back goes to a lower sequence")
        _require(Serial.parse(entry.serial) <= serial, "a roll-back entry is newer than its control file")
    days = control.max_offline_days
    _require(days is None or 1 <= days <= MAX_OFFLINE_DAYS, f"max_offline_days is 1 to {MAX_OFFLINE_DAYS}")


def _check_patches(patches: tuple[str, ...]) -> None:
    _require(all(_NUMBER.fullmatch(each) for each in patches), "patches are the numbers of hotfixes")
    numbers = [int(each) for each in patches]
    _require(0 < len(numbers) <= MAX_STACK and numbers == sorted(set(numbers)), f"patches are 1 to {MAX_STACK}, rising")


def _check_sequence(sequence: int) -> None:
    _require(1 <= sequence <= MAX_SEQUENCE, "a sequence is a positive integer")


def _check_digest(digest: str) -> None:
    _require(is_digest(digest), "a digest is sha256:<hex>")


def _require(is_met: bool, reason: str) -> None:
    if not is_met:
        raise ControlMalformed(f"The control file breaks a rule: {reason}.")
