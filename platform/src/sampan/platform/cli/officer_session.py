"""An officer's session: fetch what waits, examine it here, send a signature. Used by `trust sign` and the demo."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sampan.offline_packages.signed_bytes import body_digest, sign_part
from sampan.offline_packages.trust_errors import NotListed
from sampan.platform.cli.api import Api
from sampan.platform.cli.home import SignIn
from sampan.platform.cli.officer_signing import Summary, examine
from sampan.platform.cli.pinned_roots import Place, fetch_first_root, pin
from sampan.platform.cli.publishing import now_ms
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.errors import NotFound

Json = dict[str, Any]
VISIBLE_LOOKS, LOOK_SECONDS = 25, 0.2


class NothingOfThisId(NotFound):
    """No body of this id waits for the officer's key."""

    code = "trust_nothing_waits"


class OfficerSession:
    """What one officer does against one server."""

    def __init__(self, api: Api, sign_in: SignIn, own_home: Path | None = None) -> None:
        self._api, self._sign_in, self._home = api, sign_in, own_home

    def waiting_for(self, key: str, chosen: Sequence[str] | None) -> list[tuple[Json, Summary]]:
        """Return what waits for this key (all of it, or the chosen ids), each body examined.

        Raises `NothingOfThisId`, or what `examine` raises for a body that must not be signed.
        """
        everything: list[Json] = self._api.items("/trust/pending")
        mine = [
            each
            for each in everything
            if key in each["progress"]["may_sign"] and key not in each["progress"]["have_signed"]
        ]
        if chosen is not None:
            unknown = set(chosen) - {each["id"] for each in mine}
            if unknown:
                raise NothingOfThisId(
                    f"Nothing waits for key {key[:16]} under {', '.join(sorted(unknown))}; see `sampan trust pending`."
                )
            mine = [each for each in mine if each["id"] in chosen]
        keys: list[Json] = self._api.items("/trust/keys") if mine else []
        return [(each, examine(each, keys, self._place(each), now_ms=now_ms())) for each in mine]

    def sign(self, waiting: Json, key: PrivateKey) -> Json:
        """Sign an examined body and hand the signature in; a first root that takes effect is pinned here."""
        signature = sign_part(waiting["body"].encode(), key)
        body = {"key": signature.keyid, "signature": signature.signature}
        found: Json = self._api.post(f"/trust/pending/{waiting['id']}/signatures", body)
        return {**found, "profile": waiting["profile"], "role": waiting["role"]}

    def pin_signed(self, waiting: Json, *, pause: Callable[[float], None] = time.sleep) -> bool:
        """Pin a first root that this officer signed, as soon as it is visible; return whether it is pinned now."""
        place = self._place(waiting)
        for _ in range(VISIBLE_LOOKS):
            try:
                data = fetch_first_root(place)
            except NotListed:
                pause(LOOK_SECONDS)
                continue
            if body_digest(data) == body_digest(waiting["body"].encode()):
                pin(place, data, replace=True)
                return True
            return False
        return False

    def _place(self, waiting: Json) -> Place:
        return Place.of(self._sign_in, waiting["profile"], self._home)
