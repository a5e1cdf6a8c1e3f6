"""The keys of access tokens: made with the workspace, sealed at rest, rotated; and the cache of verified tokens."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sampan.platform.identity.caller import authenticate
from sampan.platform.identity.grants import keyring_of
from sampan.platform.identity.keyring import RecentTokens
from sampan.platform.identity.problems import TokenInvalid
from sampan.platform.identity.service_keys import PUBLISHED_FIRST_MS, new_token_key, rotate_token_keys, set_up_keys
from sampan.platform.identity.tiers import Tier
from sampan.platform.identity.tokens import LIFETIME_MS, MAX_TOKEN_BYTES, mint, verify
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import TestServer, identity_server

pytestmark = pytest.mark.anyio
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


async def rotate(server: TestServer, *, at_once: bool = False) -> None:
    key = new_token_key(server.core, WORKSPACE, at_once=at_once)
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        await rotate_token_keys(tx, key, now_ms=server.clock.now_ms, at_once=at_once)
    await server.core.replica.poll()


async def kids(server: TestServer) -> list[str]:
    return [key["kid"] for key in (await server.http.get("/.well-known/jwks.json")).json()["keys"]]


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_setting_a_workspace_up_again_changes_nothing(server: TestServer) -> None:
    device, before = await server.device(), await kids(server)
    await set_up_keys(server.core, server.core.store.workspace(WORKSPACE))
    await server.core.replica.poll()
    assert await kids(server) == before
    assert (await device.refresh()).status_code == 200


async def test_a_new_key_is_published_before_it_signs(server: TestServer) -> None:
    device = await server.device()
    (first,) = await kids(server)
    await rotate(server)
    assert (await kids(server))[0] == first
    await device.refresh()
    assert kid_of(device.tokens["access_token"]) == first
    server.clock.now_ms += PUBLISHED_FIRST_MS
    assert server.caller(device).tier == Tier.VISITOR
    await device.refresh()
    assert kid_of(device.tokens["access_token"]) == (await kids(server))[1]
    assert server.caller(device).tier == Tier.VISITOR


async def test_a_key_is_forgotten_when_its_last_token_is_over(server: TestServer) -> None:
    await rotate(server)
    server.clock.now_ms += PUBLISHED_FIRST_MS + LIFETIME_MS
    await rotate(server)
    assert len(await kids(server)) == 3
    server.clock.now_ms += 1
    await rotate(server)
    assert len(await kids(server)) == 3


async def test_a_stolen_key_is_forgotten_at_once(server: TestServer) -> None:
    device, other = await server.device(), await server.device(OTHER_WORKSPACE)
    assert server.caller(device).tier == Tier.VISITOR
    await rotate(server, at_once=True)
    with pytest.raises(TokenInvalid):
        server.caller(device)
    assert len(await kids(server)) == 1
    assert server.caller(other, OTHER_WORKSPACE).tier == Tier.VISITOR
    await device.refresh()
    assert server.caller(device).tier == Tier.VISITOR


async def test_private_keys_are_sealed_at_rest(server: TestServer) -> None:
    _, key = keyring_of(server.core, WORKSPACE).signer(server.core.sealer, now_ms=server.clock.now_ms)
    secrets = keyring_of(server.core, WORKSPACE).secrets(server.core.sealer)
    for path in server.core.settings.data.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for secret in (key.private_bytes_raw(), secrets.phone, secrets.refresh):
            assert secret not in content


def token(key: Ed25519PrivateKey = KEY, kid: str = "k1", workspace_id: str = WORKSPACE) -> str:
    return mint(
        key=key,
        kid=kid,
        workspace_id=workspace_id,
        client_app="retail",
        device_id="dev_a",
        thumbprint="x",
        subject=1,
        customer_id=None,
        tier=Tier.VISITOR,
        carries=Tier.VISITOR,
        epoch=0,
        device_epoch=0,
        now_ms=0,
    )


def find(kid: str) -> Ed25519PublicKey | None:
    return KEY.public_key() if kid == "k1" else None


def re_signed(claims: dict[str, object], *, alg: str = "EdDSA", typ: str = "at+jwt", kid: Any = "k1") -> bytes:
    key: Any = {"EdDSA": KEY, "HS256": KEY.public_key().public_bytes_raw(), "none": None}[alg]
    return jwt.encode(claims, key, alg, headers={"kid": kid, "typ": typ}).encode()


def test_a_token_of_ours_reads_back() -> None:
    claims = verify(token().encode(), find, WORKSPACE)
    assert (claims.device, claims.customer, claims.exp, claims.thumbprint) == ("dev_a", None, 600, "x")


GOOD = jwt.decode(token(), options={"verify_signature": False})
FORGED = {
    "another key": token(Ed25519PrivateKey.generate()).encode(),
    "unknown key": token(kid="k2").encode(),
    "another workspace": token(workspace_id=OTHER_WORKSPACE).encode(),
    "unsigned": re_signed(GOOD, alg="none"),
    "signed with the public key as a secret": re_signed(GOOD, alg="HS256"),
    "another kind of token": re_signed(GOOD, typ="JWT"),
    "claims missing": re_signed({"workspace": WORKSPACE}),
    "claims of another type": re_signed({**GOOD, "subject": "1"}),
    "too long": token().encode() + b"a" * MAX_TOKEN_BYTES,
    "cut": token().encode()[:-1],
    "empty": b"",
    "dots": b"..",
    "a header nested deep": base64.urlsafe_b64encode(b'{"x":' + b"[" * 2900).rstrip(b"=") + b".e30.",
    "a header that is no text": base64.urlsafe_b64encode(b'{"x":"\xff"}').rstrip(b"=") + b".e30.",
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_refused(forged: bytes) -> None:
    with pytest.raises(TokenInvalid):
        verify(forged, find, WORKSPACE)


def test_recent_tokens_are_bounded_and_the_used_ones_stay() -> None:
    recent: RecentTokens[int] = RecentTokens(size=10)
    recent.put(b"used", -1)
    for n in range(1000):
        recent.put(b"%d" % n, n)
        assert recent.get(b"used") == -1
        assert len(recent) <= 20
    assert recent.get(b"999") == 999
    assert recent.get(b"0") is None


async def test_a_token_is_verified_once(server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await server.device()
    first = server.caller(device)
    monkeypatch.setattr("sampan.platform.identity.caller.verify", lambda *_: pytest.fail("verified twice"))
    assert authenticate(server.core, WORKSPACE, device.bearer.replace(b"Bearer", b"bearer")) == first
