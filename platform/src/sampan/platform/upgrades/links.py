"""Where a store has an app: https, or the scheme of a market that a phone opens by itself. Pure."""

import re

from sampan.platform.upgrades.problems import BadUpgrade

MAX_URL = 2000
SCHEMES = (
    "https",
    "itms-apps",
    "market",
    "appmarket",
    "store",
    "mimarket",
    "oppomarket",
    "vivomarket",
    "samsungapps",
)
_LINK = re.compile(r"([a-z][a-z0-9-]*)://([A-Za-z0-9._~\-]+(?::\d{1,5})?)([/?#][!-~]*)?", re.ASCII)


def checked_link(text: str) -> str:
    """Return the link; raise `BadUpgrade` unless it is one that a shell may show and a phone may open."""
    found = _LINK.fullmatch(text) if len(text) <= MAX_URL else None
    if found is None or found[1] not in SCHEMES:
        raise BadUpgrade(
            f"{text!r} is no link to a store: it begins with one of {', '.join(f'{each}://' for each in SCHEMES)}.",
            field="url",
        )
    if any(sign in text for sign in "\"'<>\\`"):
        raise BadUpgrade("Write quotation marks and angle brackets of a link as percent escapes.", field="url")
    return text
