"""The npm packages `code-push` (4.x, of App Center, and 2.x before it), unmodified, against the running server."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from codepush_scene import APP, Scene, bundle, files_of, hash_of, scene, unpacked
from switch_scene import serving

pytestmark = [pytest.mark.anyio, pytest.mark.node]
STOCK = Path(__file__).parent / "stock"
ROOT = Path(__file__).parents[2]
NEW, OLD = "code-push", "code-push-classic"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[tuple[Scene, str]]:
    async with scene(tmp_path) as found, serving(found.core) as address:
        yield found, address


async def node(script: str, *arguments: str, steps: list[Any], cwd: Path | None = None) -> list[Any]:
    """Run one of the scripts and return what came of each step."""
    program = shutil.which("node")
    if program is None or not (ROOT / "node_modules" / OLD).is_dir():
        pytest.fail("node or the npm packages are missing: npm install --ignore-scripts")
    process = await asyncio.create_subprocess_exec(
        program,
        str(STOCK / script),
        *arguments,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(json.dumps(steps).encode()), 120)
    assert process.returncode == 0, err.decode()
    found: list[Any] = json.loads(out.decode().strip().splitlines()[-1])
    return found


@pytest.mark.parametrize("package", [NEW, OLD])
async def test_a_device_installs_updates_and_reports(town: tuple[Scene, str], package: str) -> None:
    found, address = town
    key, one, two, three = found.keys["Production"], *(hash_of(files_of(text)) for text in ("one", "two", "three"))
    (nothing,) = await node("acquire.cjs", package, address, key, steps=[{"do": "check"}])
    assert nothing == {"found": None}
    await found.released("one")
    await found.released("two", isMandatory=True)
    await found.released("three", description="Third.")
    first, update, current, other_binary, unknown_key, bad_version = await node(
        "acquire.cjs",
        package,
        address,
        key,
        steps=[
            {"do": "check"},
            {"do": "check", "hash": one, "label": "v1"},
            {"do": "check", "hash": three, "label": "v3"},
            {"do": "check", "appVersion": "0.9"},
            {"do": "check", "key": "k" * 30},
            {"do": "check", "appVersion": "one"},
        ],
    )
    assert (first["found"]["label"], first["found"]["isMandatory"]) == ("v3", False)
    assert (update["found"]["label"], update["found"]["isMandatory"]) == ("v3", True), "v2 was skipped and mandatory"
    assert (update["found"]["packageHash"], update["found"]["description"]) == (three, "Third.")
    fetched = await found.http.get(first["found"]["downloadUrl"])
    assert unpacked(fetched.content) == files_of("three")
    assert current == {"found": None}
    assert other_binary == {"found": {"updateAppVersion": True, "appVersion": "1.0.0"}}
    assert unknown_key["error"].startswith("404: There is no deployment")
    assert bad_version["error"].startswith("400: An update check must include a binary version")

    reports = [
        {"do": "deploy"},
        {"do": "download", "label": "v2"},
        {"do": "download", "label": "v2"},
        {"do": "deploy", "label": "v2", "status": "DeploymentSucceeded", "previous": "1.0.0"},
        {"do": "deploy", "label": "v2", "status": "DeploymentSucceeded", "previous": "1.0.0"},
        {"do": "download", "label": "v3"},
        {"do": "deploy", "label": "v3", "status": "DeploymentFailed", "previous": "v2"},
    ]
    assert await node("acquire.cjs", package, address, key, steps=reports) == [{"found": None}] * len(reports)
    assert await found.metrics() == {
        "1.0.0": {"active": 0, "downloaded": 0, "failed": 0, "installed": 0},
        "v2": {"active": 1, "downloaded": 1, "failed": 0, "installed": 1},
        "v3": {"active": 0, "downloaded": 1, "failed": 1, "installed": 0},
    }
    again = await found.check(package_hash=two, label="v2")
    assert (again["label"], [each["isDisabled"] for each in await found.history()]) == ("v3", [False] * 3)


async def test_a_rollout_reaches_its_share_and_only_widens(town: tuple[Scene, str]) -> None:
    found, address = town
    await found.released("one")
    await found.released("two", rollout=30)
    steps = [{"do": "check", "client": f"device-{number}"} for number in range(400)]

    async def drawn() -> set[int]:
        answers = await node("acquire.cjs", NEW, address, found.keys["Production"], steps=steps)
        return {number for number, each in enumerate(answers) if each["found"]["label"] == "v2"}

    first = await drawn()
    assert 80 < len(first) < 160
    assert (await found.patch(label="v2", rollout=60)).status_code == 200
    assert await drawn() == first, "nothing widens before the second person approves"
    await found.approve()
    second = await drawn()
    assert first < second
    assert 190 < len(second) < 290


def bundle_folder(folder: Path, text: str) -> Path:
    """Write the ZIP of a signed bundle."""
    path = folder / f"{text}.zip"
    path.write_bytes(bundle(files_of(text)))
    return path


@pytest.mark.parametrize("package", [NEW, OLD])
async def test_the_management_sdk_makes_releases_that_wait(
    town: tuple[Scene, str], package: str, tmp_path: Path
) -> None:
    found, address = town
    server = f"{address}/codepush" + ("/v0.1" if package == NEW else "")

    async def calls(*steps: list[Any]) -> list[Any]:
        return await node("manage.cjs", package, server, found.access_key, steps=list(steps), cwd=tmp_path)

    one, two = (str(bundle_folder(tmp_path, text)) for text in ("one", "two"))
    signed_in, account, apps, names, made = await calls(
        ["isAuthenticated"],
        ["getAccountInfo"],
        ["getApps"],
        ["getDeployments", APP],
        ["release", APP, "Staging", one, "^1.0.0", {"description": "First.", "isMandatory": True}],
    )
    assert signed_in == {"ok": True}
    assert account["ok"]["email"].startswith("release_manager")
    assert [each["name"].rpartition("/")[2] for each in apps["ok"]] == [APP]
    assert {each["name"]: each["key"] for each in names["ok"]} == found.keys
    assert (made["ok"]["label"], made["ok"]["isDisabled"], made["ok"]["packageHash"]) == (
        "v1",
        True,
        hash_of(files_of("one")),
    )
    early, same, patched_early = await calls(
        ["promote", APP, "Staging", "Production", {}],
        ["release", APP, "Staging", one, "^1.0.0", {}],
        ["patchRelease", APP, "Staging", "v1", {"isMandatory": False}],
    )
    assert (early["status"], same["status"], patched_early["status"]) == (409, 409, 409)
    assert early["error"].startswith("v1 waits for a second person.")
    assert "identical" in same["error"]
    await found.approve()
    promoted, released, history = await calls(
        ["promote", APP, "Staging", "Production", {"rollout": 25}],
        ["release", APP, "Staging", two, "^1.0.0", {}],
        ["getDeploymentHistory", APP, "Staging"],
    )
    assert (promoted["ok"]["originalLabel"], promoted["ok"]["originalDeployment"]) == ("v1", "Staging")
    assert [(each["label"], each["isDisabled"]) for each in history["ok"]] == [("v1", False), ("v2", True)]
    await found.approve()
    assert released["ok"]["label"] == "v2"
    lower, raised, unfinished = await calls(
        ["patchRelease", APP, "Production", "v1", {"rollout": 10}],
        ["patchRelease", APP, "Production", None, {"rollout": 50}],
        ["release", APP, "Production", two, "^1.0.0", {}],
    )
    assert (lower["status"], unfinished["status"]) == (409, 409)
    assert raised == {"ok": None}
    assert [each["rollout"] for each in await found.history()] == [25]
    await found.approve()
    assert [each["rollout"] for each in await found.history()] == [50]
    disabled, back, far, history, metrics = await calls(
        ["patchRelease", APP, "Production", "v1", {"isDisabled": True}],
        ["rollback", APP, "Staging", "v1"],
        ["rollback", APP, "Staging", "v9"],
        ["getDeploymentHistory", APP, "Staging"],
        ["getDeploymentMetrics", APP, "Staging"],
    )
    assert (disabled, back, far["status"]) == ({"ok": None}, {"ok": None}, 404)
    assert [(each["label"], each["releaseMethod"]) for each in history["ok"]] == [
        ("v1", "Upload"),
        ("v2", "Upload"),
        ("v3", "Rollback"),
    ]
    assert metrics == {"ok": {}}
    assert not (await found.check())["is_available"]
    assert (await found.check("Staging"))["label"] == "v3"
    assert await found.waiting() == []


@pytest.mark.parametrize("package", [NEW, OLD])
async def test_the_management_sdk_makes_apps_deployments_and_keys(town: tuple[Scene, str], package: str) -> None:
    found, address = town
    server = f"{address}/codepush" + ("/v0.1" if package == NEW else "")
    session = found.maker["authorization"].removeprefix("Bearer ")

    async def calls(secret: str, *steps: list[Any]) -> list[Any]:
        return await node("manage.cjs", package, server, secret, steps=list(steps))

    app, line, renamed, listed, gone, kept, machine = await calls(
        found.access_key,
        ["addApp", "Other", "Android", "React-Native", False],
        ["addDeployment", "Other", "Beta"],
        ["renameDeployment", "Other", "Beta", "Gamma"],
        ["getDeployments", "Other"],
        ["removeApp", "Other"],
        ["getApps"],
        ["addAccessKey", "from-a-key", 60_000],
    )
    assert app["ok"]["name"] == "Other"
    assert line["ok"]["name"] == "Beta"
    assert len(line["ok"]["key"]) >= 30
    assert (renamed, gone) == ({"ok": None}, {"ok": None})
    assert [each["name"] for each in listed["ok"]] == ["Gamma", "Production", "Staging"]
    assert len(kept["ok"]) == 1
    assert machine["status"] == 403, "a key makes no keys"
    key, keys = await calls(session, ["addAccessKey", "ci-two", 60_000], ["getAccessKeys"])
    assert {each["name"] for each in keys["ok"]} == {"ci", "ci-two"}
    removed, left = await calls(key["ok"]["key"], ["removeAccessKey", "ci-two"], ["getAccessKeys"])
    assert removed == {"ok": None}
    assert left["status"] == 401
    (wrong,) = await calls("spm_wrong", ["isAuthenticated"])
    assert wrong == {"ok": False}
