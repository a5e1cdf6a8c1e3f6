"""Client rules of a release: how clients take what they are offered (docs/protocols/sync.md). Pure."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from sampan.platform.errors import Invalid


class ClientRules(Struct, frozen=True, forbid_unknown_fields=True):
    """`minimum_sequence`: a lower version that is installed updates before it opens; null: none has to."""

    wifi_only: bool = False
    predownload: bool = False
    minimum_sequence: Annotated[int, Meta(ge=1, le=2**53 - 1)] | None = None


NO_RULES = ClientRules()


class BadClientRules(Invalid):
    """The client rules of a release are not of the described form, or nobody could obey them."""

    code = "bad_client_rules"
    field = "client_rules"


def read_client_rules(value: object, *, sequence: int | None = None) -> ClientRules:
    """Return the rules that a person wrote, None for none; `sequence` is the released one, where that is checked.

    Raises `BadClientRules` at the member that is wrong.
    """
    if value is None:
        return NO_RULES
    try:
        rules = msgspec.convert(value, ClientRules)
    except msgspec.ValidationError as problem:
        sentence, _at, place = str(problem).partition(" - at `$")
        raise BadClientRules(
            f"Correct the client rules: {sentence}.", field=f"client_rules{place.rstrip('`')}"
        ) from problem
    if sequence is not None and (rules.minimum_sequence or 0) > sequence:
        raise BadClientRules(
            f"The minimum sequence cannot be above {sequence}, which the release brings: no device could reach it.",
            field="client_rules.minimum_sequence",
        )
    return rules


def written(rules: ClientRules) -> dict[str, Any]:
    """Return the rules as they are stored and shown."""
    return msgspec.structs.asdict(rules)


def in_offer(rules: ClientRules) -> dict[str, Any]:
    """Return the members of an offer; what says nothing is left out."""
    said: dict[str, Any] = {}
    if rules.wifi_only:
        said["wifi_only"] = True
    if rules.predownload:
        said["predownload"] = True
    if rules.minimum_sequence is not None:
        said["minimum"] = rules.minimum_sequence
    return said
