"""Names of things in the object store, the bus, the cache and the counters.

Every engine takes only a `Key`, and a `Key` is made only here, so that nothing is ever stored or sent
without its workspace. The text form is `w/<workspace>/<part>/...` or `s/<part>/...`.
"""

import re
from typing import NewType

from sampan.platform.ids import WORKSPACE_ID

Key = NewType("Key", str)

MAX_PART_BYTES = 200
MAX_KEY_BYTES = 900

# A part never starts with a dot: "." and ".." stay out, and dotted names belong to the stores themselves.
_PART = re.compile(r"[^./\\\x00-\x1f\x7f-\x9f\ud800-\udfff][^/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]*")
_KEY = re.compile(rf"(?:w/{WORKSPACE_ID.pattern}|s)(?:/{_PART.pattern})+")


class BadKey(ValueError):
    """A programming error: the text is not a key. Text from outside is hashed before it becomes a part."""


def workspace_key(workspace_id: str, *parts: str) -> Key:
    """Name something of one workspace; raise `BadKey` for a part that could leave its place."""
    if WORKSPACE_ID.fullmatch(workspace_id) is None:
        raise BadKey(f"{workspace_id!r} is not a workspace id")
    return _join("w", workspace_id, parts)


def system_key(*parts: str) -> Key:
    """Name something above the workspaces; raise `BadKey` for a part that could leave its place."""
    return _join("s", None, parts)


def checked(key: Key) -> Key:
    """Return `key` when it has the form of a key; raise `BadKey` for a plain string in its place."""
    if _KEY.fullmatch(key) is None or len(key.encode()) > MAX_KEY_BYTES:
        raise BadKey(f"{key!r} was not made by workspace_key or system_key")
    return key


def _join(space: str, workspace_id: str | None, parts: tuple[str, ...]) -> Key:
    for part in parts:
        if _PART.fullmatch(part) is None or len(part.encode()) > MAX_PART_BYTES:
            raise BadKey(f"{part!r} cannot be part of a key")
    owner = (space,) if workspace_id is None else (space, workspace_id)
    return checked(Key("/".join((*owner, *parts))))
