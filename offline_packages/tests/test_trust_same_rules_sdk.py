"""The rules of the browser's SDK are those of the device: the same question to both, case by case and at random."""

import base64
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sdk_runner import Sdk, SdkRefused, in_base64
from securesystemslib.formats import encode_canonical
from test_package_index import changes
from test_trust_control import FULL, OTHER_FORMS
from test_trust_install_rule import APP, CONTROLS, NOW, ROLES, SEQUENCES, control, sha, verdict
from zip_forge import Entry, forge, good_entries

from sampan.offline_packages import intake, parse_index
from sampan.offline_packages.control import Control, check_not_older, parse_control
from sampan.offline_packages.install_rule import CLOCK_SLACK_MS, DAY_MS, Offered, check_open, check_revert
from sampan.offline_packages.names import check_no_clash, check_path
from sampan.offline_packages.roles import AppRole
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.errors import SampanError

pytestmark = pytest.mark.node
NAMES = st.text(
    st.sampled_from('abAB._-/\\:?*"ſßẞİıIﬁéÉe\u0301ǅᏚꭢΣσςK😀\ufdd0\ue000\x7f') | st.characters(), max_size=12
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with Sdk() as running:
        yield running


def ours(act: Callable[[], object]) -> object:
    """Return what the device says: a value, or the code of its refusal."""
    try:
        return act()
    except SampanError as refusal:
        return refusal.code


def theirs(sdk: Sdk, verb: str, *given: Any) -> Any:
    """Return what the SDK says."""
    try:
        return sdk.ask(f"rules.{verb}", *given)
    except SdkRefused as refusal:
        return refusal.code


def as_role(signed: AppRole) -> dict[str, Any]:
    def version(each: Any) -> dict[str, Any]:
        return {
            "app": each.app,
            "sequence": each.sequence,
            "version": each.version,
            "floor": each.floor,
            "indexDigest": each.index_digest,
            "indexBytes": each.index_bytes,
            "packageDigest": each.package_digest,
            "packageBytes": each.package_bytes,
        }

    return {"app": signed.app, "versions": [version(each) for each in signed.versions.values()]}


def install_case(
    sequence: int, signed: AppRole, file: Control, highest: int, failed: frozenset[str] = frozenset(), digest: str = ""
) -> dict[str, Any]:
    return {
        "role": as_role(signed),
        "control": in_base64(file.to_bytes()),
        "offered": {"sequence": sequence, "digest": digest or sha(sequence)},
        "highest": highest,
        "failed": sorted(failed),
    }


@given(SEQUENCES, ROLES, CONTROLS, st.integers(0, 6), st.sets(SEQUENCES.map(sha)), SEQUENCES)
def test_the_install_rule_is_the_same(
    sdk: Sdk, sequence: int, signed: AppRole, file: Control, highest: int, failed: set[str], digest_of: int
) -> None:
    given = (sequence, signed, file, highest, frozenset(failed), sha(digest_of))
    assert theirs(sdk, "install", install_case(*given)) == verdict(*given)


@given(SEQUENCES, ROLES, CONTROLS, st.integers(0, 6))
def test_the_watchdogs_rule_is_the_same(sdk: Sdk, kept: int, signed: AppRole, file: Control, started: int) -> None:
    found = ours(lambda: check_revert(Offered(kept, sha(kept)), signed, file, highest_before=started))
    assert theirs(sdk, "revert", install_case(kept, signed, file, started)) == (found is None)


AGES = st.sampled_from([-CLOCK_SLACK_MS - 1, -CLOCK_SLACK_MS, 0, DAY_MS, 7 * DAY_MS, 7 * DAY_MS + 1, 900 * DAY_MS])


@given(
    st.none() | SEQUENCES,
    st.none() | ROLES,
    st.none() | CONTROLS,
    st.booleans(),
    AGES,
    st.none() | st.integers(1, 8),
)
def test_the_open_rule_is_the_same(
    sdk: Sdk,
    installed: int | None,
    signed: AppRole | None,
    file: Control | None,
    is_listed: bool,
    age_ms: int,
    days: int | None,
) -> None:
    file = msgspec.structs.replace(file, max_offline_days=days) if file else None
    question = {
        "app": APP,
        "role": as_role(signed) if signed else None,
        "control": in_base64(file.to_bytes()) if file else None,
        "installed": {"sequence": installed, "digest": sha(installed)} if installed else None,
        "isListed": is_listed,
        "lastVerifiedMs": NOW - age_ms,
        "nowMs": NOW,
    }

    def answer() -> dict[str, Any]:
        opening = check_open(
            Offered(installed, sha(installed)) if installed else None,
            signed,
            file,
            app_id=APP,
            is_listed=is_listed,
            last_verified_ms=NOW - age_ms,
            now_ms=NOW,
        )
        return {"mayMoveMoney": opening.may_move_money, "why": opening.why}

    assert theirs(sdk, "open", question) == ours(answer)


def test_a_control_file_is_read_to_the_same_value(sdk: Sdk) -> None:
    assert theirs(sdk, "control", in_base64(FULL.to_bytes()), APP) == json.loads(FULL.to_bytes())
    plain = control(())
    assert theirs(sdk, "control", in_base64(plain.to_bytes()), APP) == json.loads(plain.to_bytes())


@pytest.mark.parametrize("data", OTHER_FORMS, ids=range(len(OTHER_FORMS)))
def test_any_other_form_of_a_control_file_is_refused(data: bytes, sdk: Sdk) -> None:
    assert theirs(sdk, "control", in_base64(data), APP) == "control_malformed"


def every_member(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from every_member(inner, (*path, name))


@given(st.data(), JSON)
def test_a_control_file_with_any_member_changed_is_judged_the_same(sdk: Sdk, data: st.DataObject, put: Any) -> None:
    value: Any = {"file": json.loads(FULL.to_bytes())}
    *path, last = data.draw(st.sampled_from([each for each in every_member(value) if each]))
    holder = value
    for name in path:
        holder = holder[name]
    holder[last] = put
    changed = canonical_json(value["file"])
    is_refused = ours(lambda: parse_control(changed, APP)) == "control_malformed"
    assert (theirs(sdk, "control", in_base64(changed), APP) == "control_malformed") == is_refused


@given(st.tuples(st.integers(0, 3), st.integers(0, 3)), st.tuples(st.integers(0, 3), st.integers(0, 3)), st.booleans())
def test_an_older_control_file_is_refused_the_same(
    sdk: Sdk, new: tuple[int, int], seen: tuple[int, int], is_other: bool
) -> None:
    next_, known = (
        Control(APP, f"{serial[0]}.{serial[1]}", offerable, (), (), ())
        for serial, offerable in ((new, (1,)), (seen, (2,) if is_other else (1,)))
    )
    found = ours(lambda: check_not_older(next_, known)) or "ok"
    assert theirs(sdk, "newer", APP, in_base64(next_.to_bytes()), in_base64(known.to_bytes())) == found


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("index")
    (folder / "upload").write_bytes(forge(good_entries(Entry("中文.txt".encode(), b"text"))))
    found: dict[str, Any] = json.loads(intake(folder / "upload", folder / "out.ma").index.to_bytes())
    return found


def test_an_index_of_a_packer_is_read(sdk: Sdk, index: dict[str, Any]) -> None:
    assert theirs(sdk, "index", in_base64(canonical_json(index))) == len(index["files"])


@pytest.mark.parametrize("name", list(changes()))
def test_an_index_that_breaks_the_format_is_refused(name: str, sdk: Sdk, index: dict[str, Any]) -> None:
    value = copy.deepcopy(index)
    changes()[name](value)
    assert theirs(sdk, "index", in_base64(canonical_json(value))) in ("index_invalid", "index_not_canonical")


@given(st.data(), JSON)
def test_an_index_with_any_member_changed_is_judged_the_same(
    sdk: Sdk, index: dict[str, Any], data: st.DataObject, put: Any
) -> None:
    value: Any = {"file": copy.deepcopy(index)}
    *path, last = data.draw(st.sampled_from([each for each in every_member(value) if each]))
    holder = value
    for name in path:
        holder = holder[name]
    holder[last] = put
    changed = canonical_json(value["file"])
    is_refused = isinstance(ours(lambda: parse_index(changed)), str)
    assert isinstance(theirs(sdk, "index", in_base64(changed)), str) == is_refused


@given(NAMES)
@example("_Shared/x")
@example("_ſampan/x")
@example("a/" * 40 + "x")
@example("a" * 256)
@example("\U000e0001")
@example("\U0001fffe")
def test_a_path_is_judged_the_same(sdk: Sdk, path: str) -> None:
    assert theirs(sdk, "path", path) == ours(lambda: check_path(path))


@given(st.lists(NAMES.filter(lambda name: ours(lambda: check_path(name)) is None), max_size=5))
@example(["ß", "SS"])
@example(["ẞ", "ss"])
@example(["ı", "i"])
@example(["İ", "i\u0307"])
@example(["Ꮪ", "ꮪ"])
@example(["é/a", "e\u0301/b"])
@example(["Σ", "ς"])
@example(["a", "a/b"])
@example(["a/b", "A"])
def test_a_clash_of_paths_is_judged_the_same(sdk: Sdk, paths: list[str]) -> None:
    assert theirs(sdk, "clash", paths) == ours(lambda: check_no_clash(paths))


@given(JSON)
def test_a_value_is_spelled_the_same(sdk: Sdk, value: Any) -> None:
    olpc = encode_canonical(value)
    assert olpc is not None
    wanted = [canonical_json(value), olpc.encode()]
    assert [base64.b64decode(each) for each in theirs(sdk, "spell", value)] == wanted
