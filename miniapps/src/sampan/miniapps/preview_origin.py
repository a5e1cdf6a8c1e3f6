"""The origin of a preview session: a boot page, and a worker that believes what the session says and nothing else.

Both want the session's token in their address. Without it, after the session's end, or under another session's label
there is nothing here. The files of the version never come from here: the console that began the session hands them
over, and the worker serves those of the session's digests.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.types import Scope

from sampan.miniapps.preview_sessions import KIND, PreviewSession, read_token
from sampan.platform.core import Core
from sampan.platform.static_files import Headers, StaticFile, file_from
from sampan.platform.static_sites import SiteNotBuilt

BOOT, WORKER = "preview_boot.js", "preview_worker.js"
NO_STORE = b"no-store"


def session_of(core: Core, label: str, scope: Scope) -> PreviewSession | None:
    """Return the session whose token the address carries, when this is its origin and it has not ended."""
    try:
        tokens = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=4).get("preview", [])
    except ValueError:  # more fields than any address of ours has
        return None
    return read_token(core, tokens[0], label=label) if len(tokens) == 1 else None


def preview_file(
    name: str, session: PreviewSession, files: Mapping[str, StaticFile]
) -> tuple[StaticFile, Headers] | None:
    """Return one of the two files with its headers; None for the others. Raises `SiteNotBuilt`."""
    if name == "boot.html":
        return _boot(_built(files, BOOT), session)
    if name == "worker.js":
        body = baked(_config(session), _built(files, WORKER))
        policy = b"default-src 'none'; frame-ancestors 'none'"
        more = ((b"content-security-policy", policy), (b"service-worker-allowed", b"/"))
        return file_from(body, ".js", cache=NO_STORE), more
    return None


def baked(config: Mapping[str, Any], script: bytes) -> bytes:
    """Return a worker's script with what it believes in front of it."""
    return f"self.SAMPAN_ORIGIN = {json.dumps(config)};\n".encode() + script


def _boot(script: bytes, session: PreviewSession) -> tuple[StaticFile, Headers]:
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    page = b'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>sampan</title><script>'
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; worker-src 'self'; connect-src 'self'; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {session.console_origin}"
    )
    more = ((b"content-security-policy", policy.encode()), (b"origin-agent-cluster", b"?1"))
    return file_from(page + script + b"</script></head><body></body></html>", ".html", cache=NO_STORE), more


def _config(session: PreviewSession) -> dict[str, Any]:
    return {
        "workspace": session.workspace_id,
        "app": session.app.id,
        "kind": KIND,
        "profile": "",
        "shell_origin": [session.console_origin],
        "root": "",
        "packages": msgspec.to_builtins(session.packages),
        "until_ms": session.until_ms,
    }


def _built(files: Mapping[str, StaticFile], name: str) -> bytes:
    if name not in files:
        raise SiteNotBuilt("The container's files are not built. Run ./dev web.")
    return files[name].variants[""].body
