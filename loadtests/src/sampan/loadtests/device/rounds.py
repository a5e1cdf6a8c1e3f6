"""What a round of a device did, for people and for tests."""

from dataclasses import asdict, dataclass, field
from typing import Any

RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that a round did: `what` is offered, downloaded, verified, installed, left_hotfixes, ..."""

    what: str
    app: str = ""
    sequence: int = 0
    code: str = ""
    detail: str = ""


@dataclass(slots=True)
class Round:
    """What a round did, in order; `next_check_seconds` is when the server wants to be asked again."""

    happenings: list[Happening] = field(default_factory=list)
    next_check_seconds: int = RETRY_SECONDS

    def codes(self, what: str = "refused") -> dict[str, str]:
        """Return the codes of everything of one kind by app."""
        return {each.app: each.code for each in self.happenings if each.what == what}

    def apps(self, what: str) -> dict[str, int]:
        """Return the sequences of everything of one kind by app."""
        return {each.app: each.sequence for each in self.happenings if each.what == what}

    def as_json(self) -> dict[str, Any]:
        """Return the printable form."""
        return {
            "happenings": [
                {name: value for name, value in asdict(each).items() if value not in ("", 0)}
                for each in self.happenings
            ],
            "next_check_seconds": self.next_check_seconds,
        }
