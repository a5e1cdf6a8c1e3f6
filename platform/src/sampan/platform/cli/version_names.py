"""Names of versions as people count them: the last number goes up until the name is free."""

import re
from collections.abc import Collection

LAST_NUMBER = re.compile(r"(\d+)(\D*)$")


def free_name(name: str, taken: Collection[str]) -> str:
    """Return `name`, or the first after it that is not taken: 1.0.9 is followed by 1.0.10, 2.0-rc.1 by 2.0-rc.2."""
    while name in taken:
        name = _after(name)
    return name


def _after(name: str) -> str:
    found = LAST_NUMBER.search(name)
    if found is None:
        return f"{name}.1"
    return f"{name[: found.start()]}{int(found[1]) + 1}{found[2]}"
