"""The browser's SDK reads hotfixes, and judges stacks of them, as the device does: at random."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hotfix_vectors import Base
from hypothesis import given
from hypothesis import strategies as st
from sdk_runner import Sdk, in_base64
from test_hotfix_random import FILES, STEPS, Steps, history
from test_trust_control import DIGEST
from test_trust_install_rule import APP, role, sha
from test_trust_same_rules_sdk import JSON, as_role, every_member, ours, theirs

from sampan.offline_packages.control import Control, Killed, Stack
from sampan.offline_packages.hotfix import parse_hotfix
from sampan.offline_packages.index import parse_index
from sampan.offline_packages.install_rule import check_stack
from sampan.offline_packages.roles import SignedHotfix
from sampan.platform.crypto.canonical import canonical_json

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with Sdk() as running:
        yield running


@pytest.fixture(scope="module")
def base() -> Iterator[Base]:
    with tempfile.TemporaryDirectory() as folder:
        yield Base(Path(folder), FILES)


PUT = JSON | st.sampled_from(
    ["manifest.json", "../x", "index.html", "a" * 64, DIGEST, {"sha256": "b" * 64, "size": 1}, 10_000, 16_777_217]
)


@given(st.data(), PUT)
def test_a_document_with_any_member_changed_is_judged_the_same(
    sdk: Sdk, base: Base, data: st.DataObject, put: Any
) -> None:
    one = base.hotfix(3, {"a/b": b"!"})
    hotfix, _ = base.hotfix(5, {"a/b": None, "index.html": b"!", "new": b"?"}, [one])
    value: Any = {"file": json.loads(hotfix.to_bytes())}
    *path, last = data.draw(st.sampled_from([each for each in every_member(value) if each]))
    holder = value
    for name in path:
        holder = holder[name]
    holder[last] = put
    changed = canonical_json(value["file"])
    expected = ours(lambda: json.loads(parse_hotfix(changed).to_bytes()))
    assert theirs(sdk, "hotfix", in_base64(changed)) == expected


@given(STEPS, st.randoms(use_true_random=False))
def test_any_stack_gives_the_same_index_or_the_same_refusal(sdk: Sdk, base: Base, steps: Steps, random: Random) -> None:
    done = history(base, steps)
    for n in done.made:
        stack = done.live(n)
        if random.random() < 0.5:
            stack = random.sample([*done.made.values()], random.randint(0, len(done.made)))
        expected = ours(lambda stack=stack: base.derive(*stack)[0])  # type: ignore[misc] # bound now, called now
        is_made = isinstance(expected, bytes)
        archive = parse_index(expected).archive.sha256 if isinstance(expected, bytes) else "0" * 64
        documents = [in_base64(hotfix.to_bytes()) for hotfix, _ in stack]
        found = theirs(sdk, "stacked", in_base64(base.index_bytes), base.digest, documents, archive)
        assert found == (in_base64(expected) if is_made else expected)  # type: ignore[arg-type] # bytes, as is_made says


NUMBERS = st.sets(st.integers(1, 4), max_size=3)
DIGESTS = st.integers(1, 6).map(sha)
STACKS = st.builds(
    lambda sequence, patches, digest: Stack(sequence, tuple(str(n) for n in sorted(patches)), digest),
    st.integers(1, 3),
    NUMBERS.filter(bool),
    DIGESTS,
)


@given(
    st.dictionaries(st.integers(1, 3), st.integers(0, 1), max_size=3),
    st.sets(st.tuples(st.integers(1, 3), st.integers(1, 4))),
    st.lists(STACKS, min_size=1, max_size=3),
    st.lists(st.builds(Killed, st.integers(1, 5), DIGESTS, st.just("unsafe")), max_size=1),
    STACKS | st.none(),
    st.sets(DIGESTS, max_size=1),
)
def test_the_rule_of_stacks_is_the_same(
    sdk: Sdk,
    floors: dict[int, int],
    numbers: set[tuple[int, int]],
    stacks: list[Stack],
    killed: list[Killed],
    asked: Stack | None,
    failed: set[str],
) -> None:
    hotfixes = {key: SignedHotfix(APP, *key, sha(50), 1, sha(51), 1) for key in numbers}
    signed = msgspec.structs.replace(role(floors), hotfixes=hotfixes)
    file = Control(APP, "1.5", (), tuple(killed), tuple(stacks), ())
    stack = asked or stacks[0]
    given = {
        "role": as_role(signed),
        "hotfixes": [{"sequence": sequence, "n": n} for sequence, n in numbers],
        "control": in_base64(file.to_bytes()),
        "offered": {"sequence": stack.sequence, "patches": stack.patches, "digest": stack.digest},
        "failed": sorted(failed),
    }
    expected = ours(lambda: [each.n for each in check_stack(stack, signed, file, failed=frozenset(failed))])
    assert theirs(sdk, "stack", given) == expected
