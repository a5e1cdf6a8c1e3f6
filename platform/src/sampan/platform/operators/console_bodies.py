"""Types that the console routes of this floor share: ids, names, numbers and the views of a change."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from sampan.platform.crypto.canonical import MAX_SAFE_INTEGER

PublicId = Annotated[str, Path(pattern=r"^[a-z]{2,4}_[0-9a-f]{32}$")]
IdQuery = Annotated[str | None, Query(pattern=r"^[a-z]{2,4}_[0-9a-f]{32}$")]
NumberQuery = Annotated[int | None, Query(ge=0, le=MAX_SAFE_INTEGER)]
TextQuery = Annotated[str | None, Query(min_length=1, max_length=300)]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$", max_length=254)]
PersonName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100, strip_whitespace=True)]
Limit = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$", max_length=64)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,62}$")]
PermissionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*:[a-z][a-z_]*$", max_length=100)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$", strip_whitespace=True)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Note = Annotated[str, StringConstraints(max_length=2000)]
DigestText = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Milliseconds = Annotated[int, Field(description="Milliseconds since the epoch, UTC.")]


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


def example(value: dict[str, Any]) -> ConfigDict:
    """Return the settings of a body that the API's description shows with this example."""
    return ConfigDict(json_schema_extra={"examples": [value]})


class GrantBody(Body):
    """A role, everywhere or limited to one client app, publisher or mini-app."""

    role: RoleName
    client_app: Limit | None = None
    publisher: Limit | None = None
    app: Limit | None = None


class GrantView(GrantBody):
    """A grant as it stands."""

    id: str


class WordsView(BaseModel):
    """A value as people say it."""

    zh: str
    en: str


class DiffView(BaseModel):
    """One readable line of a change; words stand beside values that are no words for people by themselves."""

    zh: str
    en: str
    before: str | None
    after: str | None
    before_words: WordsView | None
    after_words: WordsView | None


class DeciderView(BaseModel):
    """A person who made or approved a change."""

    person: str
    operator: str
    name: str
    via: str = ""
    at_ms: Milliseconds


class ChangeView(BaseModel):
    """A change request as its approver must see it; `digest` is what an approval names."""

    id: str
    kind: str
    target: str
    target_name: str
    base: str
    payload: dict[str, Any]
    digest: str
    diff: list[DiffView]
    note: str
    edition: int
    maker: DeciderView
    approvals: list[DeciderView]
    approvers_needed: int
    state: str
    reason: str
    created_ms: Milliseconds
    expires_ms: Milliseconds
    decided_ms: Milliseconds | None
