"""A look into an upload before anybody signs it: the same refusals and findings as submitting, and nothing is kept."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.offline_packages.refusals import NotAZip
from sampan.offline_packages.trust_errors import SequenceSuperseded
from sampan.platform.artifacts import pace, quarantine, submit_service
from sampan.platform.artifacts.admitting import Submission
from sampan.platform.artifacts.inspecting import inspect
from sampan.platform.artifacts.pace import UploadPace
from sampan.platform.artifacts.problems import SequenceTaken
from sampan.platform.artifacts.quarantine import UploadUnknown
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.taking_in import WrongPackage
from sampan.platform.operators.actor import Actor, MissingPermission
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import (
    PUBLISHER_RIGHTS,
    Publishing,
    chunks_of,
    packed_app,
    person,
    publishing_in,
)
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path) as found:
        yield found


async def test_an_upload_is_judged_and_then_submitted_as_it_is(publishing: Publishing, tmp_path: Path) -> None:
    packed = packed_app(tmp_path, 1)
    upload = await publishing.upload(packed)
    found = await inspect(publishing.core, WORKSPACE, publishing.publisher, APP, upload)
    assert (found.taken.accepted.digest, found.is_good, found.known_state) == (packed.digest, True, None)
    assert not list(publishing.core.objects.incoming.iterdir())
    bodies = await publishing.bodies(packed)
    made = await submit_service.submit_version(
        publishing.core, WORKSPACE, publishing.publisher, APP, upload, Submission(packed.index_bytes, bodies)
    )
    assert made.state is VersionState.IN_REVIEW
    again = await publishing.upload(packed)
    seen = await inspect(publishing.core, WORKSPACE, publishing.publisher, APP, again)
    assert seen.known_state is VersionState.IN_REVIEW


async def test_what_the_checks_find_is_told_with_its_file(publishing: Publishing, tmp_path: Path) -> None:
    upload = await publishing.upload(packed_app(tmp_path, 1, files={"refuse-me.txt": "x"}))
    found = await inspect(publishing.core, WORKSPACE, publishing.publisher, APP, upload)
    assert not found.is_good
    assert [(each.code, each.file) for each in found.taken.findings] == [("refused_by_test", "refuse-me.txt")]


async def test_what_cannot_be_submitted_is_refused_now(publishing: Publishing, tmp_path: Path) -> None:
    await publishing.publish(2)
    core, publisher = publishing.core, publishing.publisher

    async def refusal_of(upload: str, actor: Actor = publisher, app: str = APP) -> type[Exception]:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the kind is what is returned
            await inspect(core, WORKSPACE, actor, app, upload)
        return caught.type

    junk = await quarantine.receive(core, WORKSPACE, publisher, chunks_of(b"no package"))
    assert await refusal_of(junk.id) is NotAZip
    lower = await publishing.upload(packed_app(tmp_path, 1))
    assert await refusal_of(lower) is SequenceSuperseded
    other = await publishing.upload(packed_app(tmp_path / "again", 2, files={"more.txt": "x"}))
    assert await refusal_of(other) is SequenceTaken
    stranger = await publishing.upload(packed_app(tmp_path, 3, app="bank.other.app"))
    assert await refusal_of(stranger) is WrongPackage
    assert await refusal_of("upl_" + "0" * 32) is UploadUnknown
    assert await refusal_of(stranger, publishing.reviewer) is MissingPermission
    assert not list(core.objects.incoming.iterdir())


async def test_looks_and_uploads_have_a_pace(
    publishing: Publishing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, publisher = publishing.core, publishing.publisher
    upload = await publishing.upload(packed_app(tmp_path, 1))
    with contextlib.ExitStack() as busy:
        for what in ("inspect", "upload"):
            for _ in range(pace.AT_ONCE):
                busy.enter_context(pace.at_work(core, WORKSPACE, publisher, what))
        with pytest.raises(UploadPace, match="under way"):
            await inspect(core, WORKSPACE, publisher, APP, upload)
        with pytest.raises(UploadPace, match="under way"):
            await quarantine.receive(core, WORKSPACE, publisher, chunks_of(b"x"))
    assert (await inspect(core, WORKSPACE, publisher, APP, upload)).is_good
    monkeypatch.setattr(pace, "A_MINUTE", 2)
    with pytest.raises(UploadPace, match="a minute"):
        await inspect(core, WORKSPACE, publisher, APP, upload)
    with pytest.raises(UploadPace, match="a minute"):
        await quarantine.receive(core, WORKSPACE, publisher, chunks_of(b"x"))
    other = person("another developer", PUBLISHER_RIGHTS, publisher=publishing.publisher_id)
    await quarantine.receive(core, WORKSPACE, other, chunks_of(b"x"))
