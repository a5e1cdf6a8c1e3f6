"""Hotfixes from a hostile mirror or sync, from a thief of the control key, and signed nonsense: the old one runs on."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hotfix_vectors import spoilt_documents
from hypothesis import given
from hypothesis import strategies as st
from trust_simulator import MemoryFetch, Simulator, device
from tuf.api.metadata import Targets

from sampan.offline_packages.control import Stack
from sampan.offline_packages.device import Device, Hint, StackHint
from sampan.offline_packages.hotfix import FORMAT, Change, FileState, Hotfix, NewState
from sampan.offline_packages.roles import app_role
from sampan.offline_packages.signed_bytes import read_body, sign_body
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.errors import SampanError

A, B = "bank.demo.a", "bank.demo.b"
OLD = b"<!doctype html>old"
FALSE = "sha256:" + "5e" * 32


class World:
    """One tree: version 1 of two apps; of the first, hotfix 1, 2 on 1, and 3 on nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.serial = folder, 0
        self.sim = Simulator(folder / "tree")
        for app in (A, B):
            self.sim.add_app(app)
            source = self.sim.folder / f"{app}-1"
            source.mkdir(parents=True)
            (source / "index.html").write_bytes(OLD)
            (source / "data.txt").write_text(app)
            self.sim.publish(app, 1)
        self.fix(1, {"index.html": b"<!doctype html>one", "data.txt": b"1"})
        self.fix(2, {"index.html": b"<!doctype html>two"}, on=[1])
        self.fix(3, {"new.txt": b"three"})
        self.control(B)
        self.control(A, *(self.sim.stack(A, 1, *numbers) for numbers in ((1,), (1, 2), (3,))))

    def fix(self, n: int, changes: Mapping[str, bytes | None], *, on: Sequence[int] = (), app: str = A) -> Stack:
        return self.sim.publish_hotfix(app, 1, n, changes, on=on)

    def control(self, app: str, *stacks: Stack) -> None:
        self.serial += 1
        self.sim.set_control(app, f"1.{self.serial}", offerable=[1], stacks=stacks)
        self.sim.commit()

    def fork(self) -> "World":
        """The same tree, going another way."""
        other = World.__new__(World)
        other.__dict__ = {**self.__dict__, "sim": self.sim.fork()}
        return other

    def victim(self) -> "Victim":
        return Victim(self, Path(tempfile.mkdtemp(dir=self.folder)))


class Victim:
    """A device that runs version 1."""

    def __init__(self, world: World, folder: Path) -> None:
        self.sim, self.folder = world.sim, folder
        self.fetch = MemoryFetch(dict(world.sim.files))
        self.device: Device = device(folder, world.sim, self.fetch)
        self.sync()
        self.device.apply(Hint(A, sequence=1, digest=world.sim.hotfixes[A, 1, 1][0].base))
        assert self.page() == OLD
        self.device.booted(A)

    def sync(self) -> None:
        assert self.device.sync(now_ms=self.sim.now_ms) == {}

    def page(self) -> bytes:
        with self.device.open(A, now_ms=self.sim.now_ms) as app:
            return app.package.read("index.html")

    def refusal(self, stack: Stack, app: str = A) -> str:
        """Return the code; whatever it is, the old version opens and no half of another lies about."""
        with pytest.raises(SampanError) as refused:
            self.device.apply_hotfixes(StackHint(app, stack.sequence, stack.patches, stack.digest))
        assert self.page() == OLD
        state = self.device.store.state(A)
        assert state.current is not None
        assert (state.current.patches, state.base, state.failed) == ((), None, ())
        return refused.value.code

    def forget(self) -> None:
        """Drop what was downloaded."""
        shutil.rmtree(self.folder / "store" / "apps" / A / "staging", ignore_errors=True)

    def have(self, stack: Stack) -> bytes:
        self.device.apply_hotfixes(StackHint(A, stack.sequence, stack.patches, stack.digest))
        return self.page()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        yield World(Path(folder))


@pytest.fixture
def victim(world: World) -> Victim:
    return world.victim()


def stack(world: World, *numbers: int) -> Stack:
    return world.sim.stack(A, 1, *numbers)


def test_what_is_listed_and_signed_is_applied(world: World, victim: Victim) -> None:
    assert victim.have(stack(world, 1, 2)) == b"<!doctype html>two"


def test_a_hint_alone_applies_nothing(world: World, victim: Victim) -> None:
    good = stack(world, 1, 2)
    for hint in (
        Stack(1, ("1", "3"), FALSE),
        Stack(1, ("4",), FALSE),
        Stack(1, ("9" * 5_000,), FALSE),
        Stack(1, ("٣",), stack(world, 3).digest),
        Stack(1, (), FALSE),
        Stack(1, good.patches, FALSE),
        Stack(1, ("2", "1"), good.digest),
        Stack(1, ("1",), good.digest),
        stack(world),
    ):
        assert victim.refusal(hint) == "hotfix_not_listed"
    assert victim.refusal(Stack(2, good.patches, good.digest)) == "hotfix_base_differs"
    assert victim.refusal(good, app=B) == "hotfix_base_differs"


@pytest.fixture(scope="module")
def mirrored(world: World) -> Victim:
    return world.victim()


@given(st.data())
def test_any_byte_that_a_mirror_changes_cuts_or_adds_is_refused(
    world: World, mirrored: Victim, data: st.DataObject
) -> None:
    files = mirrored.fetch.files = dict(world.sim.files)
    mirrored.forget()
    path = data.draw(st.sampled_from(sorted(path for path in files if ".hotfix-1." in path or ".hotfix-2." in path)))
    good = files[path]
    way, place = data.draw(st.sampled_from(["flip", "cut", "add", "gone"])), data.draw(st.integers(0, len(good) - 1))
    if way == "gone":
        del files[path]
    else:
        flipped = good[:place] + bytes([good[place] ^ data.draw(st.integers(1, 255))]) + good[place + 1 :]
        files[path] = {"flip": flipped, "cut": good[:place], "add": good + b"\0"}[way]
    code = mirrored.refusal(stack(world, 1, 2))
    assert code == {"flip": "trust_bytes_differ", "add": "trust_too_long"}.get(way, "trust_unreachable")


def test_a_document_that_never_ends_is_cut_at_its_length(world: World, victim: Victim) -> None:
    for path in [path for path in victim.fetch.files if "hotfix-1.bin" in path]:
        victim.fetch.files[path] = bytes(50_000_000)
    assert victim.refusal(stack(world, 1)) == "trust_too_long"


_EXAMPLE = Hotfix(
    FORMAT,
    A,
    1,
    FALSE,
    2,
    (),
    (
        Change("a", FileState("1" * 64, 1), NewState("2" * 64, "3" * 64, 1)),
        Change("b", FileState("4" * 64, 1), NewState("5" * 64, "6" * 64, 1)),
    ),
)
SPOILT = sorted(spoilt_documents(_EXAMPLE))


@pytest.mark.parametrize("name", SPOILT)
def test_signed_nonsense_is_refused(world: World, name: str) -> None:
    other = world.fork()
    other.fix(4, {"index.html": b"!", "data.txt": b"!"})
    document = spoilt_documents(other.sim.hotfixes[A, 1, 4][0])[name]
    other.sim.bodies[app_role(A)] = world.sim.bodies[app_role(A)]
    other.sim.put_hotfix(A, 1, 4, document, b"!!")
    told = Stack(1, ("4",), FALSE)
    other.control(A, told)
    code = other.victim().refusal(told)
    assert code == ("hotfix_manifest" if name == "the manifest" else "hotfix_malformed")


@pytest.mark.parametrize(
    ("sizes", "content", "code"),
    [
        (b'"size":16777217', b"x", "hotfix_malformed"),
        (b'"size":16777216', b"x", "hotfix_malformed"),
        (b'"size":2', b"x", "hotfix_malformed"),
        (b'"size":1', b"xx", "hotfix_malformed"),
        (b'"size":1', b"y", "hotfix_malformed"),
    ],
)
def test_a_size_that_lies_is_refused(world: World, sizes: bytes, content: bytes, code: str) -> None:
    other = world.fork()
    other.fix(4, {"new.txt": b"x"})
    document = other.sim.hotfixes[A, 1, 4][0].to_bytes()
    other.sim.bodies[app_role(A)] = world.sim.bodies[app_role(A)]
    other.sim.put_hotfix(A, 1, 4, document.replace(b'"size":1', sizes), content)
    told = Stack(1, ("4",), FALSE)
    other.control(A, told)
    assert other.victim().refusal(told) == code


def test_a_content_beyond_the_limit_is_not_even_fetched(world: World) -> None:
    other = world.fork()
    other.sim.put_hotfix(A, 1, 4, b" " * 131_073, b"")
    told = Stack(1, ("4",), FALSE)
    other.control(A, told)
    victim = other.victim()
    victim.sync()
    victim.fetch.log.clear()
    assert victim.refusal(told) == "trust_too_long"
    assert [url for url, _ in victim.fetch.log if "hotfix" in url] == []


def test_a_hotfix_of_another_app_or_version_is_refused(world: World) -> None:
    other = world.fork()
    other.fix(1, {"index.html": b"b"}, app=B)
    foreign = other.sim.hotfixes[B, 1, 1]
    other.sim.put_hotfix(A, 1, 4, foreign[0].to_bytes(), foreign[1])
    hotfix, content = other.sim.hotfixes[A, 1, 1]
    other.sim.put_hotfix(A, 1, 5, hotfix.to_bytes(), content)
    renamed = foreign[0].to_bytes().replace(B.encode(), A.encode()).replace(b'"n":1', b'"n":6')
    other.sim.put_hotfix(A, 1, 6, renamed, foreign[1])
    told = [Stack(1, (n,), FALSE) for n in ("4", "5", "6")]
    other.control(A, *told)
    victim = other.victim()
    assert victim.refusal(told[0]) == "hotfix_malformed"  # names another app than its target
    assert victim.refusal(told[1]) == "hotfix_malformed"  # another number
    assert victim.refusal(told[2]) == "hotfix_base_differs"  # another base


def test_the_control_key_cannot_join_or_change_hotfixes(world: World) -> None:
    other = world.fork()
    told = {
        ("2",): "hotfix_base_differs",
        ("1", "3"): "hotfix_malformed",
        ("2", "3"): "hotfix_malformed",
        ("1",): "hotfix_result_differs",
        ("1", "2"): "hotfix_result_differs",
        ("1", "4"): "hotfix_not_listed",
    }
    other.control(A, *(Stack(1, patches, FALSE) for patches in told))
    victim = other.victim()
    for patches, code in told.items():
        assert victim.refusal(Stack(1, patches, FALSE)) == code


def test_a_hotfix_that_one_party_signed_is_not_believed(world: World) -> None:
    victim = world.victim()
    other = world.fork()
    good = other.fix(4, {"index.html": b"evil"})
    body = other.sim.bodies[app_role(A)]
    other.control(A, good)
    for keys in ((other.sim.publishers[A],), (other.sim.review, PrivateKey.generate())):
        other.sim.put(app_role(A), sign_body(read_body(body, Targets), *keys))
        other.sim.commit()
        victim.fetch.files = dict(other.sim.files)
        assert victim.device.sync(now_ms=other.sim.now_ms)[A].code == "trust_not_signed"
        assert victim.refusal(good) == "trust_not_signed"


def test_the_bytes_of_a_document_are_its_digest(world: World) -> None:
    hotfix, content = world.sim.hotfixes[A, 1, 2]
    listed = world.victim().device.tree.obeyed_role(A)
    assert listed is not None
    assert (listed.hotfixes[1, 2].doc_digest, listed.hotfixes[1, 2].bin_digest) == (
        digest(hotfix.to_bytes()),
        digest(content),
    )
