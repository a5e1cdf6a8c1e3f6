"""What stock CodePush clients call: update check, reports, bundles. Raw ASGI; a check reads no row and no file.

Both spellings of the protocol are answered: `/v0.1/public/codepush/update_check` with snake case, and the older
`/updateCheck` with camel case. Refusals are plain text, since clients show `<status>: <body>`.
"""

import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.codepush.checking import BUNDLES, Answer, CodePushPart, CompiledDeployment, File
from sampan.codepush.part import PART
from sampan.codepush.problems import CodePushMalformed, UnknownCodePush
from sampan.codepush.reports import Deployed, Downloaded, Reports, Status
from sampan.codepush.storage import bundle_key
from sampan.codepush.versions import BadRange
from sampan.platform.core import Core
from sampan.platform.errors import SampanError
from sampan.platform.hosts import scheme_of
from sampan.platform.hot import JSON, NO_STORE, UNREADABLE, ClientGone, header, read_body, send_bytes
from sampan.platform.trust.ranges import ByteRange, Unsatisfiable, names_etag, range_applies, wanted_range
from sampan.platform.workspaces.host_rows import hosts_of

PUBLIC = "/v0.1/public/codepush"
CHECK, CHECK_OLD = f"{PUBLIC}/update_check", "/updateCheck"
DEPLOY, DEPLOY_OLD = f"{PUBLIC}/report_status/deploy", "/reportStatus/deploy"
DOWNLOAD, DOWNLOAD_OLD = f"{PUBLIC}/report_status/download", "/reportStatus/download"
BUNDLE = f"{BUNDLES}{{sha256}}"
MAX_BODY_BYTES = 8 * 1024
MAX_VALUE = 200
TEXT = (b"content-type", b"text/plain; charset=utf-8")
FOREVER = (b"cache-control", b"public, max-age=31536000, immutable")
_SHA256 = re.compile(r"[0-9a-f]{64}")
NO_KEY = (
    "An update check must include a valid deployment key - please check that your app has been configured correctly. "
    "The console shows the keys of a CodePush app's deployments."
)
NO_VERSION = (
    "An update check must include a binary version that conforms to the semver standard (e.g. '1.0.0'). "
    "The binary version is normally inferred from the App Store/Play Store version configured with your app."
)
NO_DEPLOYMENT = "There is no deployment with this key. The console shows the keys of a CodePush app's deployments."
_EMPTY = CodePushPart({}, {})
Answering = Callable[[Scope, Receive, Send], Awaitable[None]]


def plain(answer: Answering) -> ASGIApp:
    """Return the route with every refusal as plain text."""

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await answer(scope, receive, send)
        except ClientGone:
            raise
        except SampanError as problem:
            headers = [TEXT, NO_STORE]
            if (wait := problem.facts.get("retry_after_seconds")) is not None:
                headers.append((b"retry-after", str(wait).encode()))
            await send_bytes(send, problem.status, problem.detail.encode(), headers)

    return route


def camel(name: str) -> str:
    """Return a member's name in the older spelling."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


ASKED = ("deployment_key", "app_version", "package_hash", "label", "is_companion", "client_unique_id")


def build_check(core: Core) -> ASGIApp:
    """Return `GET /v0.1/public/codepush/update_check`."""
    return _check(core, ASKED, attrgetter("snake"))


def build_check_old(core: Core) -> ASGIApp:
    """Return `GET /updateCheck`."""
    return _check(core, [camel(name) for name in ASKED], attrgetter("camel"))


def _check(core: Core, members: Sequence[str], spelled: Callable[[Answer], tuple[bytes, bytes]]) -> ASGIApp:
    names = hosts_of(core).names

    async def check(scope: Scope, _receive: Receive, send: Send) -> None:
        asked = _query(scope["query_string"])
        key, app_version, package_hash, label, companion, client = [asked.get(name, "") for name in members]
        deployment = _deployment(core, scope, key)
        try:
            answer = deployment.answer(app_version, package_hash, label, companion.lower() == "true", client)
        except BadRange:
            raise CodePushMalformed(NO_VERSION) from None
        body = _with_address(*spelled(answer), scope, scheme_of(names, scope))
        await send_bytes(send, 200, body, (JSON, NO_STORE))

    return plain(check)


def build_deploy(core: Core) -> ASGIApp:
    """Return `POST /v0.1/public/codepush/report_status/deploy` and its older twin."""
    reports = core.shared(Reports, Reports)

    async def deploy(scope: Scope, receive: Receive, send: Send) -> None:
        said = await _said(receive)
        key, app_version, label = said("deployment_key"), said("app_version"), said("label")
        if not key or not app_version:
            raise CodePushMalformed("A deploy status report must contain a valid appVersion and deploymentKey.")
        status = said("status")
        if label and not status:
            raise CodePushMalformed("A deploy status report for a labelled package must contain a valid status.")
        if label and status not in tuple(Status):
            raise CodePushMalformed(f"Invalid status: {status}")
        deployment = _deployment(core, scope, key)
        previous_key = said("previous_deployment_key")
        previous = _part(core, scope).by_key.get(previous_key, deployment) if previous_key else deployment
        report = Deployed(
            deployment,
            said("client_unique_id"),
            label or app_version,
            is_label=bool(label),
            is_failed=status == Status.FAILED,
            previous=previous,
            previous_label=said("previous_label_or_app_version"),
        )
        await reports.deployed(scope["sampan_workspace"], report)
        await send_bytes(send, 200, b"OK", (TEXT, NO_STORE))

    return plain(deploy)


def build_download(core: Core) -> ASGIApp:
    """Return `POST /v0.1/public/codepush/report_status/download` and its older twin."""
    reports = core.shared(Reports, Reports)

    async def download(scope: Scope, receive: Receive, send: Send) -> None:
        said = await _said(receive)
        key, label = said("deployment_key"), said("label")
        if not key or not label:
            raise CodePushMalformed("A download status report must contain a valid deploymentKey and package label.")
        deployment = _deployment(core, scope, key)
        await reports.downloaded(scope["sampan_workspace"], Downloaded(deployment, said("client_unique_id"), label))
        await send_bytes(send, 200, b"OK", (TEXT, NO_STORE))

    return plain(download)


def build_bundle(core: Core) -> ASGIApp:
    """Return `GET /v0.1/public/codepush/bundles/{sha256}`: a bundle or difference that is given out, with ranges."""

    async def bundle(scope: Scope, _receive: Receive, send: Send) -> None:
        sha256 = scope["path"].rpartition("/")[2]
        file = _part(core, scope).files.get(sha256) if _SHA256.fullmatch(sha256) else None
        if file is None:
            raise UnknownCodePush("There is no such bundle.")
        size = file.size_bytes
        etag = f'"{sha256}"'.encode()
        headers = [
            (b"content-type", b"application/zip"),
            (b"etag", etag),
            (b"accept-ranges", b"bytes"),
            (b"x-content-type-options", b"nosniff"),
            FOREVER,
        ]
        if names_etag(header(scope, b"if-none-match"), etag):
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        try:
            applies = range_applies(header(scope, b"if-range"), etag)
            part = wanted_range(header(scope, b"range"), size) if applies else None
        except Unsatisfiable:
            await send_bytes(send, 416, b"", [*headers, (b"content-range", f"bytes */{size}".encode())])
            return
        if part is not None:
            headers.append((b"content-range", f"bytes {part.start}-{part.end - 1}/{size}".encode()))
        await _send_stretch(core, scope, send, file, part, headers)

    return plain(bundle)


async def _send_stretch(
    core: Core,
    scope: Scope,
    send: Send,
    file: File,
    part: ByteRange | None,
    headers: list[tuple[bytes, bytes]],
) -> None:
    whole = part or ByteRange(0, file.size_bytes)
    headers = [*headers, (b"content-length", str(whole.end - whole.start).encode())]
    stored = core.objects.read(bundle_key(scope["sampan_workspace"], file.object_id), whole.start, whole.end)
    async with contextlib.aclosing(stored) as chunks:
        await send({"type": "http.response.start", "status": 200 if part is None else 206, "headers": headers})
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _part(core: Core, scope: Scope) -> CodePushPart:
    return core.replica.view(scope["sampan_workspace"]).parts[PART] or _EMPTY


def _deployment(core: Core, scope: Scope, key: str) -> CompiledDeployment:
    if not key:
        raise CodePushMalformed(NO_KEY)
    found = _part(core, scope).by_key.get(key)
    if found is None:
        raise UnknownCodePush(NO_DEPLOYMENT)
    return found


def _query(text: bytes) -> Mapping[str, str]:
    """Return the members of a query; of two with one name the last counts. Raise `CodePushMalformed`."""
    found: dict[str, str] = {}
    for member in text.decode("latin-1").split("&"):
        name, _, value = member.partition("=")
        if len(value) > MAX_VALUE:
            raise CodePushMalformed(f"{name[:40]} is longer than {MAX_VALUE} characters.")
        found[name] = unquote_plus(value) if "%" in value or "+" in value else value
    return found


def _with_address(before: bytes, after: bytes, scope: Scope, scheme: str) -> bytes:
    """Return the answer with the address by which the device reached this server; its host was checked by the front."""
    if not after:
        return before
    place = scope["sampan_place"]
    return b"".join((before, f"{scheme}://{place.name}{place.port}{scope.get('sampan_prefix', '')}".encode(), after))


_decoder = msgspec.json.Decoder(dict[str, Any])


async def _said(receive: Receive) -> Callable[[str], str]:
    """Read a report in either spelling and return what reads its members; one that is missing is empty."""
    try:
        report = _decoder.decode(await read_body(receive, MAX_BODY_BYTES))
    except UNREADABLE as problem:
        raise CodePushMalformed(f"The report is not JSON of the protocol's form: {problem}.") from problem

    def member(name: str) -> str:
        value = report.get(name) or report.get(camel(name)) or ""
        if not isinstance(value, str):
            raise CodePushMalformed(f"{name} is not a text.")
        if len(value) > MAX_VALUE:
            raise CodePushMalformed(f"{name} is longer than {MAX_VALUE} characters.")
        return value

    return member
