"""Where the files of imports stand: the upload until it was read, the refused lines as long as the tag is there."""

from sampan.platform.engines.keys import Key, workspace_key


def upload_key(workspace_id: str, import_id: str) -> Key:
    """Return where the bytes of an import wait."""
    return workspace_key(workspace_id, "tag_imports", import_id)


def report_key(workspace_id: str, import_id: str) -> Key:
    """Return where the refused lines of an import stand."""
    return workspace_key(workspace_id, "tag_import_reports", import_id)
