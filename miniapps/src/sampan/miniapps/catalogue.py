"""The catalogue as one tier sees it: which apps, in which order, and which of them may be opened. Pure.

Compiled once per change to ready JSON bytes, so that a sync answer only copies them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import asdict

from sampan.platform.errors import Invalid
from sampan.platform.identity.tiers import Tier

MAX_POSITION = 1_000_000
LIMITS = {
    "app_id": 128,
    "see_tier": 16,
    "open_tier": 16,
    "category": 32,
    "name_zh": 100,
    "name_en": 100,
    "text_zh": 2000,
    "text_en": 2000,
}
"""The longest texts of an entry, in characters."""


class BadEntry(Invalid):
    """An entry that contradicts itself."""

    code = "bad_catalogue_entry"


class Entry(Struct, frozen=True):
    """An app's place in the catalogue. Tiers below `see_tier` do not learn of it; from `open_tier` on it opens."""

    app_id: str
    is_listed: bool
    see_tier: str
    open_tier: str
    category: str
    position: int
    name_zh: str
    name_en: str
    text_zh: str
    text_en: str

    def __post_init__(self) -> None:
        if Tier.parse(self.open_tier) < Tier.parse(self.see_tier):
            raise BadEntry("Who may open an app must see it: open_tier cannot be below see_tier.", field="open_tier")

    def as_json(self) -> dict[str, Any]:
        """Return the form that change requests carry."""
        return asdict(self)

    def seen_by(self) -> frozenset[Tier]:
        """Return the tiers that see the app."""
        return _from(self.see_tier) if self.is_listed else frozenset()

    def opened_by(self) -> frozenset[Tier]:
        """Return the tiers that may open it."""
        return _from(self.open_tier) if self.is_listed else frozenset()


def read_entry(value: object) -> Entry:
    """Return an entry from its JSON form, which may come from anywhere; raise `BadEntry` or `TierUnknown`."""
    if not isinstance(value, dict) or set(value) != set(LIMITS) | {"is_listed", "position"}:
        raise BadEntry("An entry has exactly the members of the present one.")
    if not isinstance(value["is_listed"], bool):
        raise BadEntry("is_listed is true or false.", field="is_listed")
    position = value["position"]
    if not isinstance(position, int) or isinstance(position, bool) or not 0 <= position <= MAX_POSITION:
        raise BadEntry(f"position is a whole number from 0 to {MAX_POSITION}.", field="position")
    for name, most in LIMITS.items():
        if not isinstance(value[name], str) or len(value[name]) > most:
            raise BadEntry(f"{name} is a text of at most {most} characters.", field=name)
    return Entry(**value)


class Category(Struct, frozen=True):
    """A heading of the catalogue."""

    id: str
    name_zh: str
    name_en: str
    position: int


class Published(Struct, frozen=True):
    """What the newest published version of an app contributes: its icon, and the name of its manifest."""

    icon_digest: str
    name: str


class CompiledApps(Struct, frozen=True):
    """The `apps` member of the sync answer for one tier: whole, and for those who have it already.

    `seen` and `opened` are the ids of the apps that the tier may know of, and may open.
    """

    etag: str
    whole: bytes
    unchanged: bytes
    seen: frozenset[str]
    opened: frozenset[str]


class CatalogueRows(Struct, frozen=True):
    """What the part is compiled from."""

    entries: Sequence[Entry]
    categories: Sequence[Category]
    published: Mapping[str, Published]


def is_no_wider(before: Entry | None, after: Entry) -> bool:
    """Whether nobody sees or opens the app after the change who did not before."""
    if before is None:
        return not after.is_listed
    return after.seen_by() <= before.seen_by() and after.opened_by() <= before.opened_by()


def compile_catalogue(rows: CatalogueRows) -> tuple[CompiledApps, ...]:
    """Return the catalogue of each tier, indexed by the tier's number."""
    return tuple(_compile(rows, tier) for tier in Tier)


def items_of(rows: CatalogueRows, tier: Tier) -> list[dict[str, Any]]:
    """Return the items that a tier sees, in order; an app without a published version has nothing to open."""
    positions = {category.id: category.position for category in rows.categories}
    entries = sorted(
        (each for each in rows.entries if tier in each.seen_by() and each.app_id in rows.published),
        key=lambda each: (positions.get(each.category, len(positions)), each.category, each.position, each.app_id),
    )
    return [_item(each, rows.published[each.app_id], tier) for each in entries]


def _compile(rows: CatalogueRows, tier: Tier) -> CompiledApps:
    items = items_of(rows, tier)
    used = {item["category"] for item in items}
    ordered = sorted(rows.categories, key=lambda each: (each.position, each.id))
    categories = [
        {"id": each.id, "name": {"zh": each.name_zh, "en": each.name_en}} for each in ordered if each.id in used
    ]
    content = orjson.dumps({"items": items, "categories": categories})
    etag = hashlib.sha256(content).hexdigest()[:32]
    whole = b'{"etag":"%b",%b' % (etag.encode(), content[1:])
    opened = frozenset(item["id"] for item in items if item["may_open"])
    return CompiledApps(etag, whole, orjson.dumps({"etag": etag}), frozenset(item["id"] for item in items), opened)


def _item(entry: Entry, published: Published, tier: Tier) -> dict[str, Any]:
    return {
        "id": entry.app_id,
        "name": {"zh": entry.name_zh or published.name, "en": entry.name_en or published.name},
        "text": {"zh": entry.text_zh, "en": entry.text_en},
        "category": entry.category,
        "icon": published.icon_digest,
        "may_open": tier in entry.opened_by(),
        "open_tier": entry.open_tier,
    }


def _from(label: str) -> frozenset[Tier]:
    least = Tier.parse(label)
    return frozenset(tier for tier in Tier if tier >= least)
