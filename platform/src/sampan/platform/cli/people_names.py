"""Names in place of people's and publishers' ids, in what is printed for people; --json keeps the ids."""

import contextlib
import re
from typing import TYPE_CHECKING

from sampan.platform.cli.output import lined
from sampan.platform.errors import SampanError

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.output import Output

PERSON = re.compile(r"\b(?:opr|per)_[0-9a-f]{32}\b")
PUBLISHER = re.compile(r"\bpub_[0-9a-f]{32}\b")
ANY = re.compile(f"{PERSON.pattern}|{PUBLISHER.pattern}")
AT_ONCE = 100


def named(output: "Output", api: "Api", text: str) -> str:
    """Return `text` with the names that the server knows; an id that it tells nothing about stays."""
    if output.as_json:
        return text
    people = sorted(set(PERSON.findall(text)))
    names: dict[str, str] = {}
    # Names are a courtesy: the command has done its work, and must not fail for want of them.
    with contextlib.suppress(SampanError):
        for start in range(0, len(people), AT_ONCE):
            names |= api.get("/names", id=people[start : start + AT_ONCE])["names"]
    with contextlib.suppress(SampanError):
        if PUBLISHER.search(text):
            names |= {each["id"]: each["name"] for each in api.items("/publishers")}
    return ANY.sub(lambda found: lined([names.get(found[0], found[0])]), text)
