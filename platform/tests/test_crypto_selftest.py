"""The known-answer tests pass here, and fail closed as soon as one primitive lies."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sampan.platform.crypto import selftest
from sampan.platform.crypto.keys import Ed25519, Es256
from sampan.platform.crypto.problems import SelfTestFailed
from sampan.platform.crypto.selftest import run_self_test


def test_this_machine_passes() -> None:
    run_self_test()


def _always(answer: object) -> Callable[..., object]:
    def lie(*_: object, **__: object) -> object:
        return answer

    return lie


@pytest.mark.parametrize(
    ("target", "name", "answer", "algorithm"),
    [
        (Ed25519, "verify", True, "ed25519"),
        (Ed25519, "verify", False, "ed25519"),
        (Es256, "verify", True, "es256"),
        (Es256, "sign", b"\0" * 64, "sign and verify"),
        (selftest, "digest", "sha256:00", "sha256 and sm3"),
        (selftest, "HKDF", None, "hkdf-sha256"),
    ],
)
def test_a_primitive_that_lies_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, target: object, name: str, answer: object, algorithm: str
) -> None:
    monkeypatch.setattr(target, name, _always(answer))
    with pytest.raises(SelfTestFailed) as failed:
        run_self_test()
    assert failed.value.facts == {"algorithm": algorithm}


def test_a_cipher_that_does_not_check_its_tag_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless:
        def __init__(self, key: bytes) -> None:
            self._true = AESGCM(key)

        def encrypt(self, *parts: bytes) -> bytes:
            return self._true.encrypt(*parts)

        def decrypt(self, *_: bytes) -> bytes:
            return selftest._GCM_PLAIN

    monkeypatch.setattr(selftest, "AESGCM", Careless)
    with pytest.raises(SelfTestFailed, match="aes-256-gcm"):
        run_self_test()
