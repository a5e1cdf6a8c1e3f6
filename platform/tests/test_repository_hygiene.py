"""What must never be committed: registries' addresses, one machine's paths, files that break the layout."""

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
# Put together here, so that this file does not hold what it forbids.
REGISTRY_HOSTS = re.compile(
    "|".join(
        [
            "registry" + r"\.npmjs",
            "pypi" + r"\.org",
            "python" + "hosted",
            "registry" + r"\.yarnpkg",
            "deb" + r"\.debian\.org",
        ]
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w.$}/-])/(?:" + "|".join(["work", "root", "farm"]) + r")/")
FORBIDDEN_NAMES = {"BaseHTTPMiddleware", "StreamingResponse"}


def committed_files() -> list[Path]:
    """Every tracked or new file that git does not ignore and that is still there."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    files = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in files if path.is_file()]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    found = committed_files()
    assert ROOT / "pyproject.toml" in found
    return found


def lines_with(pattern: re.Pattern[str], files: list[Path]) -> Iterator[str]:
    for path in files:
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode(errors="replace").splitlines(), start=1):
            if pattern.search(line):
                yield f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"


def names_used(source: str) -> set[str]:
    """Every name that a module imports or reaches through an attribute."""
    used = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
    return used


def test_no_registry_address_is_committed(files: list[Path]) -> None:
    assert list(lines_with(REGISTRY_HOSTS, files)) == []


def test_no_path_of_one_machine_is_committed(files: list[Path]) -> None:
    assert list(lines_with(MACHINE_PATHS, files)) == []


def test_locks_name_versions_and_hashes_but_no_addresses(files: list[Path]) -> None:
    assert [path for path in files if path.name in {"uv.lock", "yarn.lock", "pnpm-lock.yaml"}] == []
    for path in files:
        if path.name == "package-lock.json":
            packages = json.loads(path.read_text())["packages"]
            # A workspace of our own is a link: it is "resolved" to its folder here.
            addressed = [name for name, entry in packages.items() if "resolved" in entry and not entry.get("link")]
            assert addressed == [], path
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_lock_holds_what_the_project_asks_for() -> None:
    """Otherwise a fresh clone lacks what this checkout has: `./dev lock` writes it anew."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"]]
    asked += chain.from_iterable(project["project"].get("optional-dependencies", {}).values())
    asked += [line for group in project["dependency-groups"].values() for line in group if isinstance(line, str)]
    lock = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    wanted = {canonicalize_name(each.name): each.specifier for each in map(Requirement, asked)}
    missing = [name for name, versions in wanted.items() if name not in lock or lock[name] not in versions]
    assert missing == []


def test_links_between_documents_lead_somewhere(files: list[Path]) -> None:
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)")
    pages = [path for path in files if path.suffix == ".md"]
    assert pages
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in link.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_the_namespace_stays_open_and_the_standard_platform_module_visible(files: list[Path]) -> None:
    closed = [path for path in files if path.name == "__init__.py" and path.parent.name == "sampan"]
    assert closed == []
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_tests_are_rootless_and_their_names_unique(files: list[Path]) -> None:
    tests = [path for path in files if "tests" in path.relative_to(ROOT).parts[:-1] and path.suffix == ".py"]
    names = [path.name for path in tests if path.name != "conftest.py"]
    assert "__init__.py" not in names
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_slow_web_helpers_are_used_only_where_people_ask(files: list[Path]) -> None:
    """Each costs about 0.3 ms a request; only the console's downloads may stream with one."""
    sources = [path for path in files if path.suffix == ".py" and "src" in path.relative_to(ROOT).parts]
    guilty = []
    for path in sources:
        used = names_used(path.read_text()) & FORBIDDEN_NAMES
        if used - ({"StreamingResponse"} if path.name.startswith("console_") else set()):
            guilty.append(str(path.relative_to(ROOT)))
    assert sources
    assert guilty == []


@pytest.mark.parametrize(
    "line",
    ["see /" + "work/shared/design", "open('/" + "root/.npmrc')", "cd /" + "farm/x"],
)
def test_the_search_finds_a_path_of_one_machine(line: str) -> None:
    assert MACHINE_PATHS.search(line)


@pytest.mark.parametrize(
    "line", ["docs/" + "work/shared", "https://bank.example/" + "work/", "${HOME}/" + "root/x", "network/" + "root/"]
)
def test_the_search_leaves_other_paths_alone(line: str) -> None:
    assert not MACHINE_PATHS.search(line)


@pytest.mark.parametrize(
    "source",
    [
        "from starlette.middleware.base import BaseHTTPMiddleware",
        "import starlette.responses as r\nr.StreamingResponse([])",
    ],
)
def test_the_search_finds_slow_web_helpers(source: str) -> None:
    assert names_used(source) & FORBIDDEN_NAMES
