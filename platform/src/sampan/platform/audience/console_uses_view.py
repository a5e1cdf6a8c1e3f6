"""What names a tag or a saved audience, as people are told it."""

from pydantic import BaseModel, Field

from sampan.platform.audience.references import Use


class UseOut(BaseModel):
    """A rule's owner."""

    kind: str = Field(description="`release`, `switch`, `audience` and so on.")
    id: str
    name: str = Field(description="What people call it.")


def use_view(use: Use) -> UseOut:
    """Return the answer for one use."""
    return UseOut(kind=use.kind, id=use.id, name=use.name)


def use_key(use: UseOut) -> str:
    """Return what orders uses in pages."""
    return f"{use.kind} {use.name} {use.id}"
