"""A hotfix on its way to the server: signed on this machine, sent, followed."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sampan.offline_packages.hotfix import Hotfix
from sampan.offline_packages.publishing import next_hotfix_body, signed_hotfix
from sampan.offline_packages.signed_bytes import sign_body
from sampan.offline_packages.trust_errors import NotListed
from sampan.platform.cli.api import Api, ServerRefused
from sampan.platform.cli.pinned_roots import Place, published_body
from sampan.platform.cli.publishing import BASE_MOVED, NOT_THERE, POLL_SECONDS, now_ms
from sampan.platform.crypto.keys import PrivateKey

FINAL = frozenset({"published", "rejected", "withdrawn"})
NEEDS_SIGNATURE = "needs_signature"
TREE = "intl"
"""Hotfixes are for customers; testers of the trial tree get whole versions."""


class Sending:
    """One hotfix of one person; `key` is opened when something has to be signed."""

    def __init__(self, api: Api, place: Place, key: Callable[[], PrivateKey], hotfix: Hotfix, content: bytes) -> None:
        self._api, self._place, self._key = api, place, key
        self.hotfix, self._content = hotfix, content
        version = f"/apps/{hotfix.app}/versions/{hotfix.sequence}"
        self._all, self.path = f"{version}/hotfixes", f"{version}/hotfixes/{hotfix.n}"

    def send(self, title: str) -> dict[str, Any]:
        """Submit it; exactly this one that is there already is signed anew where that is needed, else left alone."""
        known = self._known()
        if known is None:
            return self._submit({"upload": self._uploaded(), "title": title})
        return self._submit({}) if known["state"] == NEEDS_SIGNATURE else {**known, "already": True}

    def follow(self, pause: Callable[[float], None] = time.sleep) -> Iterator[dict[str, Any]]:
        """Yield it at every change until its state is final; a moved base is signed anew without being asked."""
        last = None
        while True:
            found: dict[str, Any] = self._api.get(self.path)
            if found["state"] == NEEDS_SIGNATURE:
                found = self._signed_anew() or found
            if found["state"] != last:
                last = found["state"]
                yield found
            if last in FINAL:
                return
            pause(POLL_SECONDS)

    def _known(self) -> dict[str, Any] | None:
        """Return it as the server has it; another hotfix of the same number is refused when it is sent."""
        try:
            found: dict[str, Any] = self._api.get(self.path)
        except ServerRefused as problem:
            if problem.status == NOT_THERE:
                return None
            raise
        return found if found["document"] == self._document() else None

    def _signed_anew(self) -> dict[str, Any] | None:
        try:
            return self._submit({})
        except ServerRefused as problem:
            if problem.code not in BASE_MOVED:
                raise
            return None  # it moved once more meanwhile, and the next look tries again

    def _submit(self, more: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._api.post(self._all, {**self.signed(), **more})
        return found

    def signed(self) -> dict[str, Any]:
        """Return the document and the signed bodies that list it, as they are sent."""
        return {"hotfix": self._document(), "bodies": {TREE: json.loads(self._body())}}

    def _body(self) -> bytes:
        """Return the next body of the app's role, signed; what is published now comes by the pinned root."""
        current = published_body(self._place, self.hotfix.app)
        if current is None:
            raise NotListed(f"{self.hotfix.app} has no published version yet, so there is nothing to mend.")
        signed = signed_hotfix(self.hotfix.to_bytes(), self._content)
        body = next_hotfix_body(current, signed, tree=self._place.tree, now_ms=now_ms())
        return sign_body(body, self._key())

    def _document(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.hotfix.to_bytes())
        return value

    def _uploaded(self) -> str:
        if not self._content:
            return ""
        with tempfile.TemporaryDirectory(prefix="sampan-") as name:
            path = Path(name) / "hotfix.bin"
            path.write_bytes(self._content)
            return str(self._api.upload("/uploads", path)["upload"])
