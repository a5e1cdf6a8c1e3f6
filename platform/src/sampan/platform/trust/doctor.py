"""What `sampan doctor` looks at in the trees: ends that come near, signatures that stopped, keys that lie open."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sampan.platform.component import Finding
from sampan.platform.core import Core
from sampan.platform.crypto.key_files import read_private_key
from sampan.platform.errors import SampanError
from sampan.platform.settings import Settings
from sampan.platform.trust.keyring import PassphraseTooShort, generated_passphrase_path, passphrase
from sampan.platform.trust.making import TIMESTAMP_EVERY
from sampan.platform.trust.overview import RoleStatus, TreeStatus, tree_statuses
from sampan.platform.workspaces.service import list_workspaces

STALE_MS = 2 * int(TIMESTAMP_EVERY.total_seconds()) * 1000
_REMEDY = {
    "officers": "`sampan trust renew {profile} {role}`, then two officers run `sampan trust sign`.",
    "publisher": "Its publisher runs `sampan publish --renew {app}`.",
    "server": "Read the server's log for `publisher_failed` of this tree.",
}


async def check_trees(core: Core) -> Sequence[Finding]:
    """Return what must be signed within 60 days, and trees that are not kept fresh."""
    findings: list[Finding] = []
    for workspace in await list_workspaces(core):
        async with core.store.workspace(workspace.id).read() as tx:
            for status in await tree_statuses(tx, now_ms=core.now_ms()):
                findings += _of_tree(workspace.id, status, core.now_ms())
    return findings


async def check_passphrase(core: Core) -> Sequence[Finding]:
    """Return an error when the server's keys cannot be opened, and a warning when what opens them lies beside them."""
    closed = await asyncio.to_thread(why_keys_stay_closed, core.settings)
    if closed is not None:
        return [closed]
    settings = core.settings
    if settings.demo or settings.key_passphrase is not None or settings.key_passphrase_file is not None:
        return []
    return [
        Finding(
            "trust_passphrase_beside_keys",
            "warning",
            "The passphrase of the server's signing keys lies in the same folder as the keys.",
            f"Move the text of {generated_passphrase_path(settings).name} to your secret store and name it by "
            "SAMPAN_KEY_PASSPHRASE_FILE.",
        )
    ]


def why_keys_stay_closed(settings: Settings) -> Finding | None:
    """Return what keeps the server from opening its key files; None when they open, or when there are none yet."""
    files = sorted((settings.data / "keys").glob("*/*/*.pem"))
    if not files:
        return None
    try:
        secret = passphrase(settings)
    except (OSError, SampanError, PassphraseTooShort) as problem:
        return Finding(
            "trust_passphrase_missing",
            "error",
            f"Nothing can be signed or published: {_said(problem)}",
            f"Restore {generated_passphrase_path(settings)} from your backup, or name the file with the passphrase by "
            "SAMPAN_KEY_PASSPHRASE_FILE; then restart the server.",
        )
    for path in files:
        try:
            read_private_key(path, secret)
        except (OSError, SampanError) as problem:
            return Finding(
                "trust_key_closed",
                "error",
                f"The server cannot open its signing key {path}: {_said(problem)}",
                "Name the passphrase that these keys were made with (SAMPAN_KEY_PASSPHRASE_FILE), or restore the key "
                "folder from its backup; then restart the server.",
            )
    return None


def _said(problem: Exception) -> str:
    return f"{problem.filename}: {problem.strerror}." if isinstance(problem, OSError) else str(problem)


def _of_tree(workspace_id: str, status: TreeStatus, now_ms: int) -> Iterator[Finding]:
    name = f"{workspace_id}/{status.tree.profile}"
    if not status.is_started:
        yield Finding(
            "trust_not_started",
            "warning",
            f"The tree {name} has no root: nothing can be published in it.",
            "Hold the first ceremony (docs/operations/trust.md).",
        )
        return
    if status.waiting:
        yield Finding(
            "trust_signatures_wait",
            "info",
            f"{status.waiting} body or bodies of the tree {name} wait for officers' signatures.",
            "Two officers run `sampan trust sign`.",
        )
    if now_ms - status.tree.exposed_ms > STALE_MS:
        yield Finding(
            "trust_tree_stale",
            "error",
            f"The timestamp of the tree {name} was last signed more than two hours ago; after 24 hours every client "
            "refuses to install anything new.",
            "Read the server's log for `publisher_failed` of this tree.",
        )
    for role in status.roles:
        if role.is_due:
            yield _ending(name, status.tree.profile, role, now_ms)


def _ending(name: str, profile: str, role: RoleStatus, now_ms: int) -> Finding:
    day = datetime.fromtimestamp(role.expires_ms // 1000, UTC).date()
    is_over = role.expires_ms <= now_ms
    return Finding(
        "trust_role_expired" if is_over else "trust_role_expires",
        "error" if is_over else "warning",
        f"{role.role} of the tree {name} {'ended' if is_over else 'ends'} on {day}.",
        _REMEDY[role.signer].format(profile=profile, role=role.role, app=role.role.removeprefix("app.")),
    )
