"""Proofs of possession (RFC 9449): every way in which one can be wrong, and replays."""

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sampan.platform.identity.dpop import Call, read_proof
from sampan.platform.identity.jwk import envelope_jwk, public_jwk, signing_jwk, thumbprint
from sampan.platform.identity.problems import DeviceKeyUnfit, ProofInvalid, ProofStale
from sampan.platform.testing_device import SESSION, TestDevice, TestServer, identity_server

pytestmark = pytest.mark.anyio
NOW_MS = 1_800_000_000_000
URL = "https://bank.example/client/v1/session"
KEY = ec.generate_private_key(ec.SECP256R1())
JWK = public_jwk(KEY.public_key())
CLAIMS: dict[str, Any] = {"htm": "POST", "htu": URL, "iat": NOW_MS // 1000, "jti": "a-nonce-of-its-own"}


def proof(claims: dict[str, Any] | None = None, header: dict[str, Any] | None = None, key: Any = KEY) -> bytes:
    headers = {"typ": "dpop+jwt", "jwk": JWK, **(header or {})}
    return jwt.encode({**CLAIMS, **(claims or {})}, key, headers.pop("alg", "ES256"), headers).encode()


def read(header: bytes | None, remembers_since_ms: int = 0) -> str:
    call = Call("POST", [URL])
    return read_proof(header, call, now_ms=NOW_MS, remembers_since_ms=remembers_since_ms).thumbprint


def test_a_good_proof_names_its_key() -> None:
    assert read(proof()) == thumbprint(JWK)


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    # The example of RFC 9449 section 4.1 and the jkt that section 6.1 gives for its key.
    jwk = {
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    }
    assert thumbprint(signing_jwk(jwk)) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


INVALID = {
    "missing": None,
    "no jwt": b"abc",
    "too long": b"a" * 5000,
    "another method": proof({"htm": "DELETE"}),
    "another address": proof({"htu": "https://bank.example/client/v1/session/code"}),
    "another host": proof({"htu": "https://evil.example/client/v1/session"}),
    "another scheme": proof({"htu": URL.replace("https", "http")}),
    "no address": proof({"htu": None}),
    "address as a list": proof({"htu": [URL]}),
    "no jti": proof({"jti": None}),
    "short jti": proof({"jti": "x"}),
    "long jti": proof({"jti": "x" * 129}),
    "time as text": proof({"iat": "now"}),
    "time as truth": proof({"iat": True}),
    "time is no number": proof({"iat": math.inf}),
    "no type": proof(header={"typ": "JWT"}),
    "no key": proof(header={"jwk": None}),
    "another key": proof(header={"jwk": public_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())}),
    "private key": proof(header={"jwk": {**JWK, "d": "AAAA"}}),
    "unknown algorithm": proof(header={"alg": "EdDSA"}, key=ed25519.Ed25519PrivateKey.generate()),
    "shared secret": proof(header={"alg": "HS256"}, key="a-secret-of-thirty-two-bytes-or-so"),
    "no algorithm": proof(header={"alg": "none"}, key=None),
}


@pytest.mark.parametrize("header", INVALID.values(), ids=INVALID.keys())
def test_a_proof_that_does_not_hold_is_refused(header: bytes | None) -> None:
    with pytest.raises(ProofInvalid):
        read(header)


@pytest.mark.parametrize("seconds", [-91, 91, 10**9])
def test_a_proof_of_another_time_is_refused(seconds: int) -> None:
    with pytest.raises(ProofStale) as refusal:
        read(proof({"iat": NOW_MS // 1000 + seconds}))
    assert refusal.value.facts["server_time_ms"] == NOW_MS


def test_a_proof_from_before_the_memory_of_replays_is_refused() -> None:
    read(proof(), remembers_since_ms=NOW_MS + 999)
    with pytest.raises(ProofStale):
        read(proof(), remembers_since_ms=NOW_MS + 1000)


UNFIT = {
    "text": "key",
    "rsa": {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    "another curve": {**JWK, "crv": "P-384"},
    "short": {**JWK, "x": JWK["x"][:-2]},
    "padded": {**JWK, "x": JWK["x"] + "="},
    "number": {**JWK, "x": 5},
    "off the curve": {**JWK, "x": JWK["y"], "y": JWK["x"]},
    "private": {**JWK, "d": JWK["x"]},
    "okp": {"kty": "OKP", "crv": "Ed25519", "x": JWK["x"]},
}


@pytest.mark.parametrize("jwk", UNFIT.values(), ids=UNFIT.keys())
def test_an_unfit_device_key_is_refused(jwk: object) -> None:
    for check in (signing_jwk, envelope_jwk):
        with pytest.raises(DeviceKeyUnfit):
            check(jwk)


def test_an_envelope_key_may_be_x25519() -> None:
    jwk = {"kty": "OKP", "crv": "X25519", "x": JWK["x"], "kid": "mine"}
    assert envelope_jwk(jwk) == {"kty": "OKP", "crv": "X25519", "x": JWK["x"]}
    assert envelope_jwk(JWK) == JWK


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


async def send(device: TestDevice, method: str, path: str, proof: str, body: Any = None) -> tuple[int, str]:
    headers = {"dpop": proof, "authorization": f"DPoP {device.tokens.get('access_token')}"}
    answer = await device.http.request(method, path, json=body, headers=headers)
    return answer.status_code, answer.json().get("code", "")


async def test_a_proof_holds_once(server: TestServer) -> None:
    device = TestDevice(server.http, server.clock)
    body = {"client_app": "retail", "device_keys": {"signing": device.jwk}}
    proof = device.proof("POST", SESSION)
    assert (await send(device, "POST", SESSION, proof, body))[0] == 201
    assert await send(device, "POST", SESSION, proof, body) == (401, "proof_replayed")


async def test_a_proof_that_was_refused_is_not_used_up(server: TestServer) -> None:
    device = TestDevice(server.http, server.clock, client_app="unknown")
    body = {"client_app": "unknown", "device_keys": {"signing": device.jwk}}
    proof = device.proof("POST", SESSION)
    assert await send(device, "POST", SESSION, proof, body) == (404, "client_app_unknown")
    body["client_app"] = "retail"
    assert (await send(device, "POST", SESSION, proof, body))[0] == 201


async def test_the_proof_must_be_by_the_key_in_the_body(server: TestServer) -> None:
    device, other = TestDevice(server.http, server.clock), TestDevice(server.http, server.clock)
    body = {"client_app": "retail", "device_keys": {"signing": other.jwk}}
    assert await send(device, "POST", SESSION, device.proof("POST", SESSION), body) == (401, "proof_invalid")


async def test_a_signed_in_call_is_bound_to_token_and_key(server: TestServer) -> None:
    device, other = await server.device(), await server.device()
    path, body, token = f"{SESSION}/code", {"phone": "+8613800000001"}, device.tokens["access_token"]
    for proof in (
        device.proof("POST", path),
        device.proof("POST", path, access_token=other.tokens["access_token"]),
        other.proof("POST", path, access_token=token),
        device.proof("POST", f"{SESSION}/customer", access_token=token),
    ):
        assert await send(device, "POST", path, proof, body) == (401, "proof_invalid")
    good = device.proof("POST", path, access_token=token)
    assert (await send(device, "POST", path, good, body))[0] == 202
    assert await send(device, "POST", path, good, body) == (401, "proof_replayed")
