"""Where bundles and uploads stand in the object store."""

from sampan.platform.engines.keys import Key, workspace_key


def bundle_key(workspace_id: str, sha256: str) -> Key:
    """Return where a bundle or a difference stands, by the SHA-256 of its ZIP."""
    return workspace_key(workspace_id, "codepush", sha256)


def chunk_key(workspace_id: str, upload_id: str, name: str) -> Key:
    """Return where a part of an unfinished upload stands."""
    return workspace_key(workspace_id, "codepush-uploads", upload_id, name)


def uploads_key(workspace_id: str, *upload_id: str) -> Key:
    """Return what all parts of unfinished uploads stand below, or of one."""
    return workspace_key(workspace_id, "codepush-uploads", *upload_id)
