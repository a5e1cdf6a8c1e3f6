"""The device's session: begin, refresh, sign in and out; tokens are stored before they are used."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from sampan.loadtests.device.calls import Answer, AnswerUnreadable, Calls, ServerSaysNo
from sampan.loadtests.device.device_key import DeviceKey
from sampan.offline_packages.atomic_files import Step, no_step, read_or_none, write_atomically
from sampan.platform.errors import Invalid

SESSION = "/client/v1/session"
REFRESH_BEFORE_MS = 60_000
UNAUTHORIZED = 401
TOKEN_IS_OLD = frozenset({"token_expired", "token_invalid", "session_revoked"})


class TokenFileUnfit(Invalid):
    """The file is not what `sampan demo token` writes."""

    code = "token_file_unfit"


class Kept(msgspec.Struct):
    """What is stored. `offset_ms` is the server's clock minus ours; `expires_ms` is by our clock."""

    client_app: str
    device: str = ""
    customer: str | None = None
    tier: str = ""
    access_token: str = ""
    refresh_token: str = ""
    expires_ms: int = 0
    offset_ms: int = 0


class _Tokens(msgspec.Struct):
    device: str
    customer: str | None
    tier: str
    access_token: str
    refresh_token: str
    expires_in: int
    server_time_ms: int = 0


class Session:
    """One device's session, kept in `session.json` of its folder."""

    def __init__(
        self, folder: Path, calls: Calls, client_app: str, *, now_ms: Callable[[], int], step: Step = no_step
    ) -> None:
        self._path = folder / "session.json"
        self._key_path = folder / "device-key.pem"
        self._calls = calls
        self._now_ms = now_ms
        self._step = step
        self.key = DeviceKey.kept_in(self._key_path)
        data = read_or_none(self._path)
        self.kept = msgspec.json.decode(data, type=Kept) if data else Kept(client_app)

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a call with the access token, and once more with a new one when the server wants that.

        Raises `ServerAway` or `ServerSaysNo`.
        """
        self.ensure()
        answer = self._bearing(method, path, body, headers)
        if answer.status == UNAUTHORIZED and _code_of(answer) in TOKEN_IS_OLD:
            self.refresh()
            answer = self._bearing(method, path, body, headers)
        return answer.raise_for_problem()

    def ensure(self) -> None:
        """Have an access token that holds for another minute."""
        if not self.kept.refresh_token:
            self.begin()
        elif self._now_ms() > self.kept.expires_ms - REFRESH_BEFORE_MS:
            self.refresh()

    def begin(self) -> None:
        """Begin a session as a visitor; a known key gets its device again."""
        body = {"client_app": self.kept.client_app, "device_keys": {"signing": self.key.jwk}}
        self._keep(self._proven("POST", SESSION, body, signed_in=False))

    def refresh(self) -> None:
        """Exchange the refresh token; begin anew when it is refused."""
        try:
            answer = self._proven("POST", f"{SESSION}/refresh", {"refresh_token": self.kept.refresh_token}, False)
        except ServerSaysNo as problem:
            if problem.code != "refresh_refused":
                raise
            self.begin()
        else:
            self._keep(answer)

    def ask_code(self, phone: str) -> None:
        """Have a one-time code sent to a phone."""
        self.ensure()
        self._proven("POST", f"{SESSION}/code", {"phone": phone})

    def sign_in(self, phone: str, code: str) -> None:
        """Sign a customer in with the code."""
        self.ensure()
        self._keep(self._proven("POST", f"{SESSION}/customer", {"phone": phone, "code": code}))

    def sign_out(self) -> None:
        """Go on as a visitor."""
        self.ensure()
        self._keep(self._proven("DELETE", SESSION))

    def take_demo_token(self, tier: str) -> None:
        """Become a new device of the demo's, which carries this tier in full."""
        body = {"tier": tier, "client_app": self.kept.client_app}
        self.adopt(self._calls.send("POST", "/client/v1/demo/token", body).raise_for_problem().body)

    def adopt(self, data: bytes) -> None:
        """Become the device of a demo token: its tokens, and its key (`device_key_pem`, or the file that it names).

        Raises `TokenFileUnfit`.
        """
        try:
            found = msgspec.json.decode(data, type=dict[str, Any])
            file = found.get("device_key_file")
            pem = Path(file).read_bytes() if file else found["device_key_pem"].encode()
            tokens = msgspec.convert({"customer": None, **found}, type=_Tokens)
        except (msgspec.MsgspecError, KeyError, AttributeError, TypeError, OSError) as problem:
            raise TokenFileUnfit("Give the JSON that `sampan --json demo token` prints.") from problem
        self.key = DeviceKey.from_pem(pem)
        self.key.keep_in(self._key_path)
        self._remember(tokens)

    def _bearing(self, method: str, path: str, body: object, headers: Mapping[str, str] | None) -> Answer:
        bearer = {"authorization": f"Bearer {self.kept.access_token}"}
        return self._calls.send(method, path, body, {**bearer, **(headers or {})})

    def _proven(self, method: str, path: str, body: object = None, signed_in: bool = True) -> Answer:
        """Send a call with a proof, with the server's time once it is known; a stale proof is made once more."""
        try:
            return self._prove(method, path, body, signed_in)
        except ServerSaysNo as problem:
            if problem.code != "proof_stale":
                raise
            self.kept.offset_ms = int(problem.facts["server_time_ms"]) - self._now_ms()
            return self._prove(method, path, body, signed_in)

    def _prove(self, method: str, path: str, body: object, signed_in: bool) -> Answer:
        token = self.kept.access_token if signed_in else None
        now_ms = self._now_ms() + self.kept.offset_ms
        sent = {"dpop": self.key.proof(method, self._calls.url(path), now_ms=now_ms, access_token=token)}
        if token is not None:
            sent["authorization"] = f"DPoP {token}"
        return self._calls.send(method, path, body, sent).raise_for_problem()

    def _keep(self, answer: Answer) -> None:
        try:
            self._remember(msgspec.json.decode(answer.body, type=_Tokens))
        except msgspec.MsgspecError as problem:
            raise AnswerUnreadable(f"The session's answer is not the protocol's: {problem}.") from problem

    def _remember(self, tokens: _Tokens) -> None:
        now_ms = self._now_ms()
        self.kept = Kept(
            client_app=self.kept.client_app,
            device=tokens.device,
            customer=tokens.customer,
            tier=tokens.tier,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_ms=now_ms + tokens.expires_in * 1000,
            offset_ms=tokens.server_time_ms - now_ms if tokens.server_time_ms else self.kept.offset_ms,
        )
        write_atomically(self._path, msgspec.json.encode(self.kept), step=self._step, name="session")


def _code_of(answer: Answer) -> str:
    try:
        return str(msgspec.json.decode(answer.body)["code"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return ""
