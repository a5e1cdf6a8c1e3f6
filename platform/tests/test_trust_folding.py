"""Folding many requests into one body: the same as one after the other, at a cost that grows with their number."""

from collections import Counter
from typing import Any

import pytest
from tuf.api.metadata import Targets

from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.trust import bodies
from sampan.platform.trust.bodies import (
    AppAlreadyDelegated,
    KeyHasAnotherPurpose,
    app_keys,
    delegated_apps,
    first_targets,
    role_keys,
    with_app,
    with_app_keys,
    with_control_key,
)
from sampan.platform.trust.ceremony_rows import Facts, Request, RequestKind, State
from sampan.platform.trust.folding import ServerKeys, fold_targets

TREE, NOW = "demo/intl", 1_800_000_000_000
ONLINE, CONTROL, REVIEW, PUBLISHER, OTHER = (PrivateKey.generate().public for _ in range(5))
SERVER = ServerKeys(ONLINE, ONLINE, CONTROL)
KEYS = {key_id(key): key for key in (ONLINE, CONTROL, REVIEW, PUBLISHER, OTHER)}


def request(kind: RequestKind, **facts: Any) -> Request:
    return Request("req", "intl", kind, Facts(**facts), b"", State.OPEN, "ann", NOW, NOW)


def app(number: int, publisher: Any = PUBLISHER) -> Request:
    facts = {"app": f"bank.demo.a{number}", "publisher": key_id(publisher), "countersigner": key_id(REVIEW)}
    return request(RequestKind.APP, **facts)


def fold(*requests: Request, current: Targets | None = None) -> Targets:
    following = fold_targets(current, requests, KEYS, SERVER, tree=TREE, now_ms=NOW, with_root=False)
    assert following is not None
    return following


def test_many_requests_are_one_version() -> None:
    changed = request(RequestKind.CONTROL_KEY, key=key_id(ONLINE))
    facts = {"app": "bank.demo.a1", "publisher": key_id(OTHER), "countersigner": key_id(REVIEW)}
    found = fold(app(1), app(2), request(RequestKind.APP_KEYS, **facts), changed)
    alone = first_targets(TREE, control=CONTROL, now_ms=NOW)
    for number in (1, 2):
        alone = with_app(alone, f"bank.demo.a{number}", publisher=PUBLISHER, review=REVIEW, now_ms=NOW)
    alone = with_app_keys(alone, "bank.demo.a1", publisher=OTHER, now_ms=NOW)
    alone = with_control_key(alone, ONLINE, now_ms=NOW)
    alone.version = found.version
    assert found.to_dict() == alone.to_dict()
    assert (found.version, role_keys(found, "control")) == (1, [ONLINE])
    again = fold(app(3), current=found)
    assert (again.version, delegated_apps(again)) == (2, [f"bank.demo.a{number}" for number in (1, 2, 3)])
    assert delegated_apps(found) == ["bank.demo.a1", "bank.demo.a2"]


def test_requests_of_one_fold_are_checked_against_each_other() -> None:
    with pytest.raises(AppAlreadyDelegated):
        fold(app(1), app(1))
    with pytest.raises(KeyHasAnotherPurpose):
        fold(app(1), app(2, publisher=REVIEW))
    taken = request(RequestKind.CONTROL_KEY, key=key_id(OTHER))
    with pytest.raises(KeyHasAnotherPurpose):
        fold(taken, app(1, publisher=OTHER))


def test_a_key_that_was_replaced_is_free_for_another_purpose() -> None:
    facts = {"app": "bank.demo.a1", "publisher": key_id(OTHER), "countersigner": key_id(REVIEW)}
    swapped = {"app": "bank.demo.a2", "publisher": key_id(OTHER), "countersigner": key_id(PUBLISHER)}
    found = fold(app(1), request(RequestKind.APP_KEYS, **facts), request(RequestKind.APP, **swapped))
    assert app_keys(found, "bank.demo.a2") == (OTHER, PUBLISHER)


def test_the_cost_grows_with_the_number_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()

    def counted(name: str, original: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            calls[name] += 1
            return original(*args, **named)

        return call

    parts = ("_successor", "from_tuf_key", "to_tuf_key", "_drop_unused_keys")
    for name in parts:
        monkeypatch.setattr(bodies, name, counted(name, getattr(bodies, name)))
    costs = []
    for count in (0, 20, 40):
        calls.clear()
        fold(request(RequestKind.RENEW_TARGETS), *(app(number) for number in range(count)))
        costs.append([calls[name] for name in parts])
    none, some, more = costs
    assert [each - less for each, less in zip(more, some, strict=True)] == [
        each - less for each, less in zip(some, none, strict=True)
    ]
    assert more[0] == 1
