"""Quarantine and intake: what comes in, what is refused, and that a refusal leaves nothing behind."""

import asyncio
import errno
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sampan.offline_packages import PackageRefused
from sampan.offline_packages.trust_errors import NotSigned, SequenceSuperseded
from sampan.platform.artifacts import quarantine, submit_service
from sampan.platform.artifacts.admitting import Submission
from sampan.platform.artifacts.problems import AppUnknown, BodyMissing, SequenceTaken
from sampan.platform.artifacts.scanning import scan_version
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.taking_in import IndexDiffers, WrongPackage
from sampan.platform.artifacts.uploads_repository import Upload, insert_upload
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.engines.database import StorageFull
from sampan.platform.engines.keys import workspace_key
from sampan.platform.errors import SampanError
from sampan.platform.operators.actor import MissingPermission
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import (
    PUBLISHER_RIGHTS,
    REVIEWER_RIGHTS,
    Publishing,
    chunks_of,
    packed_app,
    person,
    publishing_in,
)
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
S = VersionState


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path) as made:
        yield made


async def left_behind(publishing: Publishing) -> list[str]:
    """Return every file of quarantine and candidates, and every unfinished one."""
    objects = publishing.core.objects
    stored = [
        str(key)
        for folder in ("quarantine", "candidates")
        async for key in objects.keys(workspace_key(WORKSPACE, folder))
    ]
    return stored + [str(path) for path in objects.incoming.iterdir()]


async def test_an_upload_is_stored_hashed_and_consumed_once(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1)
    data = packed.archive_path.read_bytes()
    upload = await quarantine.receive(publishing.core, WORKSPACE, publishing.publisher, chunks_of(data, 100))
    assert (upload.size_bytes, upload.sha256) == (len(data), digest(data))
    submission = Submission(packed.index_bytes, await publishing.bodies(packed))
    arguments = (publishing.core, WORKSPACE, publishing.publisher, APP, upload.id, submission)
    first = await submit_service.submit_version(*arguments)
    assert (await submit_service.submit_version(*arguments)).candidate_id == first.candidate_id
    assert [name for name in await left_behind(publishing) if "quarantine" in name] == []


async def test_of_two_submissions_of_one_upload_at_once_one_holds_and_nothing_is_left(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1)
    upload_id = await publishing.upload(packed)
    submission = Submission(packed.index_bytes, await publishing.bodies(packed))
    arguments = (publishing.core, WORKSPACE, publishing.publisher, APP, upload_id, submission)
    outcomes = await asyncio.gather(
        *(submit_service.submit_version(*arguments) for _ in range(4)), return_exceptions=True
    )
    [version] = [each for each in outcomes if isinstance(each, Version)]
    assert {type(each) for each in outcomes} == {Version, quarantine.UploadUnknown}
    left = await left_behind(publishing)
    assert len(left) == 2, left
    assert all(version.source_id in name for name in left)


async def test_too_much_is_refused_as_soon_as_it_shows(publishing: Publishing) -> None:
    core = publishing.core
    core.settings = replace(core.settings, max_package_bytes=1000)
    with pytest.raises(quarantine.UploadTooBig):
        await quarantine.receive(core, WORKSPACE, publishing.publisher, chunks_of(b"x"), declared_bytes=1001)
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100
            yield b"x" * 100

    with pytest.raises(quarantine.UploadTooBig):
        await quarantine.receive(core, WORKSPACE, publishing.publisher, endless())
    assert read == 1100
    assert await left_behind(publishing) == []


async def test_an_empty_upload_a_broken_stream_and_a_full_disk_leave_nothing(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, actor = publishing.core, publishing.publisher
    with pytest.raises(quarantine.UploadEmpty):
        await quarantine.receive(core, WORKSPACE, actor, chunks_of(b""))

    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await quarantine.receive(core, WORKSPACE, actor, broken())

    def full(*_: Any) -> None:
        with quarantine._named_errors():
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(quarantine, "_take", full)
    with pytest.raises(StorageFull):
        await quarantine.receive(core, WORKSPACE, actor, chunks_of(b"bytes"))
    assert await left_behind(publishing) == []


async def test_uploading_takes_the_right_and_is_bounded_per_person(publishing: Publishing) -> None:
    core = publishing.core
    with pytest.raises(MissingPermission):
        await quarantine.receive(core, WORKSPACE, publishing.reviewer, chunks_of(b"x"))
    for _ in range(quarantine.MAX_OPEN_UPLOADS):
        await quarantine.receive(core, WORKSPACE, publishing.publisher, chunks_of(b"x"))
    with pytest.raises(quarantine.TooManyUploads):
        await quarantine.receive(core, WORKSPACE, publishing.publisher, chunks_of(b"x"))


async def test_uploads_under_way_count_too(publishing: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MAX_OPEN_UPLOADS", 2)
    core, actor, may_end = publishing.core, publishing.publisher, asyncio.Event()
    begun = [asyncio.Event(), asyncio.Event()]

    async def slow(is_begun: asyncio.Event) -> AsyncIterator[bytes]:
        yield b"x"
        is_begun.set()
        await may_end.wait()

    running = [asyncio.ensure_future(quarantine.receive(core, WORKSPACE, actor, slow(each))) for each in begun]
    await asyncio.gather(*(each.wait() for each in begun))
    with pytest.raises(quarantine.TooManyUploads):
        await quarantine.receive(core, WORKSPACE, actor, chunks_of(b"x"))
    may_end.set()
    first, _second = await asyncio.gather(*running)
    await quarantine.discard(core, WORKSPACE, first.id)
    await quarantine.receive(core, WORKSPACE, actor, chunks_of(b"x"))


async def test_uploads_that_another_process_took_in_meanwhile_count_too(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MAX_OPEN_UPLOADS", 1)
    core, actor = publishing.core, publishing.publisher

    async def overtaken() -> AsyncIterator[bytes]:
        yield b"x"
        async with core.store.workspace(WORKSPACE).write() as tx:
            await insert_upload(tx, Upload("upl_other", actor.person_id, 1, digest(b"x"), core.now_ms()))

    with pytest.raises(quarantine.TooManyUploads):
        await quarantine.receive(core, WORKSPACE, actor, overtaken())
    assert await left_behind(publishing) == []


async def test_the_sweep_removes_what_nobody_submitted(publishing: Publishing) -> None:
    core = publishing.core
    clock: Any = core.now_ms
    await quarantine.receive(core, WORKSPACE, publishing.publisher, chunks_of(b"x"))
    assert await quarantine.sweep(core, WORKSPACE) == 0
    clock.now_ms += quarantine.UPLOAD_LIFE_MS + 1
    assert await quarantine.sweep(core, WORKSPACE) == 1
    assert await left_behind(publishing) == []


async def test_the_sweep_removes_what_a_crash_left_without_a_row_and_nothing_else(publishing: Publishing) -> None:
    core = publishing.core
    old, young = "upl_" + "0" * 32, f"upl_{core.now_ms() - 1000:012x}" + "0" * 20
    for name in (old, young):
        await core.objects.put(quarantine.quarantine_key(WORKSPACE, name), b"orphan")
        await core.objects.put(workspace_key(WORKSPACE, "candidates", name, "package.ma"), b"orphan")
    version = await publishing.submit(packed_app(publishing.folder, 1))
    assert await quarantine.sweep(core, WORKSPACE) == 2
    left = await left_behind(publishing)
    assert sum(young in name for name in left) == 2
    assert sum(version.source_id in name for name in left) == 2
    assert len(left) == 4


async def _refuse(publishing: Publishing, error: type[SampanError], upload: bytes, submission: Submission) -> None:
    found = await quarantine.receive(publishing.core, WORKSPACE, publishing.publisher, chunks_of(upload))
    with pytest.raises(error):
        await submit_service.submit_version(publishing.core, WORKSPACE, publishing.publisher, APP, found.id, submission)
    assert await left_behind(publishing) == []
    assert await publishing.states() == {}


async def test_no_zip_another_archive_and_another_index_are_refused(publishing: Publishing, tmp_path: Path) -> None:
    packed = packed_app(tmp_path, 1)
    other = packed_app(tmp_path, 2, files={"more.txt": "more"})
    submission = Submission(packed.index_bytes, await publishing.bodies(packed))
    await _refuse(publishing, PackageRefused, b"this is no archive", submission)
    await _refuse(publishing, IndexDiffers, other.archive_path.read_bytes(), submission)
    index = json.loads(packed.index_bytes)
    index["version"] = "9.9.9"
    forged = json.dumps(index, separators=(",", ":"), sort_keys=True).encode()
    await _refuse(
        publishing, IndexDiffers, packed.archive_path.read_bytes(), msgspec.structs.replace(submission, index=forged)
    )


async def test_a_hostile_archive_is_refused_by_intake(publishing: Publishing, tmp_path: Path) -> None:
    packed = packed_app(tmp_path, 1)
    slipped = tmp_path / "slip.zip"
    with zipfile.ZipFile(slipped, "w") as archive:
        archive.writestr("../evil.txt", "out")
    submission = Submission(packed.index_bytes, await publishing.bodies(packed))
    await _refuse(publishing, PackageRefused, slipped.read_bytes(), submission)


async def test_signatures_of_others_and_missing_bodies_are_refused(publishing: Publishing, tmp_path: Path) -> None:
    packed = packed_app(tmp_path, 1)
    data, right = packed.archive_path.read_bytes(), publishing.parties.publisher["intl"]
    await _refuse(publishing, BodyMissing, data, Submission(packed.index_bytes, {}))
    publishing.parties.publisher["intl"] = PrivateKey.generate()
    forged = await publishing.bodies(packed)
    publishing.parties.publisher["intl"] = right
    await _refuse(publishing, NotSigned, data, Submission(packed.index_bytes, forged))


async def test_a_package_of_another_app_is_refused(publishing: Publishing, tmp_path: Path) -> None:
    await publishing.create_app("bank.demo.bills")
    packed = packed_app(tmp_path, 1, app="bank.demo.bills")
    await _refuse(
        publishing,
        WrongPackage,
        packed.archive_path.read_bytes(),
        Submission(packed.index_bytes, await publishing.bodies(packed)),
    )


async def test_an_upload_belongs_to_who_sent_it(publishing: Publishing, tmp_path: Path) -> None:
    packed = packed_app(tmp_path, 1)
    upload_id = await publishing.upload(packed)
    colleague = person("colleague", PUBLISHER_RIGHTS, publisher=publishing.publisher_id)
    submission = Submission(packed.index_bytes, await publishing.bodies(packed))
    with pytest.raises(quarantine.UploadUnknown):
        await submit_service.submit_version(publishing.core, WORKSPACE, colleague, APP, upload_id, submission)
    spoiled = msgspec.structs.replace(submission, index=b"{}")
    with pytest.raises(PackageRefused):
        await submit_service.submit_version(publishing.core, WORKSPACE, colleague, APP, upload_id, spoiled)
    assert len(await left_behind(publishing)) == 1
    stranger = person("stranger", PUBLISHER_RIGHTS, publisher="pub_other")
    with pytest.raises(AppUnknown):
        await submit_service.submit_version(publishing.core, WORKSPACE, stranger, APP, upload_id, submission)


async def test_a_sequence_belongs_to_its_bytes_for_ever(publishing: Publishing, tmp_path: Path) -> None:
    await publishing.submit(packed_app(tmp_path, 3))
    other = packed_app(tmp_path / "other", 3, files={"more.txt": "more"})
    with pytest.raises(SequenceTaken):
        await publishing.submit(other)
    await publishing.approve(3)
    await publishing.expose()
    lower = packed_app(tmp_path, 2)
    with pytest.raises(SequenceSuperseded):
        await publishing.submit_with(lower, {"intl": b"{}"})
    assert [name for name in await left_behind(publishing) if "quarantine" in name] == []
    assert await submit_service.next_sequence(publishing.core, WORKSPACE, publishing.publisher, APP) == 4


async def test_failed_checks_are_told_with_their_place_and_may_be_run_again(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1, files={"refuse-me.txt": "x"})
    assert (await publishing.submit(packed)).state is S.CHECKS_FAILED
    detail = await publishing.review(1)
    assert [(each.code, each.severity, each.file) for each in detail.findings] == [
        ("refused_by_test", "error", "refuse-me.txt")
    ]
    core, actor = publishing.core, publishing.publisher
    assert (await submit_service.recheck(core, WORKSPACE, actor, APP, 1)).state is S.CHECKS_FAILED
    assert len((await publishing.review(1)).findings) == 1


async def test_the_scan_adds_its_findings_once(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1, files={"scan-me.txt": "x"}))
    for _ in range(2):
        await scan_version(publishing.core, WORKSPACE, APP, 1)
    found = (await publishing.review(1)).findings
    assert [(each.code, each.source) for each in found] == [("scanned_by_test", "scan")]
    assert await publishing.states() == {1: S.IN_REVIEW}


async def test_a_reviewer_cannot_submit(publishing: Publishing) -> None:
    reviewer = person("reviewer two", REVIEWER_RIGHTS)
    with pytest.raises(MissingPermission):
        await submit_service.withdraw(publishing.core, WORKSPACE, reviewer, APP, 1)
