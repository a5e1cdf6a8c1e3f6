"""Where bundles and uploads stand in the object store."""

from sampan.platform.engines.keys import Key, workspace_key
from sampan.platform.ids import new_id


def new_object_id() -> str:
    """Return the name of a bundle's or a difference's object; it says when it was made."""
    return new_id("cpo")


def bundle_key(workspace_id: str, object_id: str) -> Key:
    """Return where a bundle or a difference stands."""
    return workspace_key(workspace_id, "codepush", object_id)


def bundles_key(workspace_id: str) -> Key:
    """Return what all bundles and differences stand below."""
    return workspace_key(workspace_id, "codepush")


def chunk_key(workspace_id: str, upload_id: str, name: str) -> Key:
    """Return where a part of an unfinished upload stands."""
    return workspace_key(workspace_id, "codepush-uploads", upload_id, name)


def uploads_key(workspace_id: str, *upload_id: str) -> Key:
    """Return what all parts of unfinished uploads stand below, or of one."""
    return workspace_key(workspace_id, "codepush-uploads", *upload_id)
