"""./dev: what it tells, what it refuses, and how it reads the lock. The set-up itself runs before every test run."""

import importlib.machinery
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dev() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("dev_script", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "dev"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_every_command_in_one_line(dev: ModuleType) -> None:
    done = run("help")
    assert done.returncode == 0
    for name in dev.COMMANDS:
        assert len(re.findall(rf"^  {name} +\S", done.stdout, re.MULTILINE)) == 1
    assert run().stdout == done.stdout


@pytest.mark.parametrize("arguments", [["nothing"], ["lock", "--nothing"], ["check", "--nothing"], ["setup", "x"]])
def test_what_is_not_known_is_refused_and_help_named(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert "./dev help" in done.stderr


def test_every_command_that_documents_name_exists(dev: ModuleType) -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    named = {name for page in pages for name in re.findall(r"\./dev ([a-z]+)", page.read_text())}
    assert {"setup", "up", "test", "check"} <= named
    assert named - set(dev.COMMANDS) == set()


def test_the_lock_is_read_package_by_package(dev: ModuleType) -> None:
    blocks = dev.locked_blocks()
    assert {"uv", "uvicorn", "pytest", dev.NODE_WHEEL} <= set(blocks)
    for name, block in blocks.items():
        assert block.startswith(f"{name}==")
        assert "--hash=sha256:" in block
    assert "".join(blocks.values()) in dev.LOCK.read_text()


def test_a_package_that_is_not_locked_is_named(dev: ModuleType) -> None:
    with pytest.raises(dev.Stop, match=r"does not hold left-pad: run `\./dev lock`"):
        dev.locked("left-pad")


@pytest.mark.parametrize(
    ("arguments", "chooses"),
    [
        ([], False),
        (["-k", "name"], False),
        (["-n", "4"], True),
        (["-n4"], True),
        (["--numprocesses=2"], True),
        (["--pdb"], True),
        (["-p", "no:xdist"], True),
        (["--no-header"], False),
    ],
)
def test_the_number_of_processes_is_left_to_who_names_one(dev: ModuleType, arguments: list[str], chooses: bool) -> None:
    assert dev.chooses_workers(arguments) is chooses


def test_locks_inside_node_modules_are_not_ours(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("ours", "ours/node_modules/theirs", ".venv/theirs", "lonely"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "package-lock.json").touch()
    for folder in ("ours", "ours/node_modules/theirs", ".venv/theirs"):
        (tmp_path / folder / "package.json").touch()
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    assert dev.package_locks() == [tmp_path / "ours" / "package-lock.json"]


def test_children_may_keep_bytecode_and_take_the_systems_python(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = dev.environment(EXTRA="x")
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["UV_PYTHON_PREFERENCE"] == "only-system"
    assert environment["EXTRA"] == "x"


def test_a_failing_step_shows_the_output_and_the_hint(dev: ModuleType) -> None:
    with pytest.raises(dev.Stop, match=r"(?s)ended with status 3:\nbroken\ndo this") as caught:
        dev.run_quietly([sys.executable, "-c", "print('broken'); raise SystemExit(3)"], hint="do this")
    assert "raise SystemExit" in str(caught.value)


def test_the_checks_name_files_that_are_there(dev: ModuleType) -> None:
    commands = {
        title: [Path(word) for word in command if isinstance(word, Path)]
        for title, command in dev.checks(Path(sys.executable))
    }
    assert {"format", "lint", "types", "architecture", "hygiene"} <= set(commands)
    assert all(path.exists() for paths in commands.values() for path in paths)
