"""The words by which the platform knows hotfixes, and the name under which a version's hotfixes are released."""

KIND = "hotfix"
PART = "hotfixes"


def deliverable_id(app_id: str, sequence: int) -> str:
    """Return the id under which the hotfixes of a version are released, each by its number."""
    return f"{app_id}@{sequence}"


def version_named(deliverable: str) -> tuple[str, int] | None:
    """Return the app and the sequence of a `deliverable_id`; None for any other text."""
    app_id, _, sequence = deliverable.rpartition("@")
    return (app_id, int(sequence)) if app_id and sequence.isdecimal() and len(sequence) <= 16 else None
