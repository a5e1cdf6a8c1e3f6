"""Local work on packages: take one in as the server would, run the same checks, say what was found."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from sampan.offline_packages import (
    Accepted,
    CheckPolicy,
    Finding,
    PackageIndex,
    PackageReader,
    Policy,
    Severity,
    check_package,
    intake,
    pack,
    parse_index,
)
from sampan.offline_packages.required_files import MANIFEST
from sampan.platform.cli.api import Api, ServerRefused
from sampan.platform.cli.output import Output
from sampan.platform.errors import NotFound

SUFFIX = ".ma"
INDEX_SUFFIX = ".index.json"


class PackageFileMissing(NotFound):
    """There is no package or folder under the given name."""

    code = "package_file_missing_here"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a package is held against; `source` says for people where the rules come from."""

    limits: Policy
    checks: CheckPolicy
    source: str


def default_rules() -> Rules:
    """Return the rules that a bank has before it sets its own."""
    return Rules(Policy(), CheckPolicy(allowed_domains=()), "the rules of a new workspace")


def rules_of(api: Api) -> Rules:
    """Return the workspace's own rules, or the default where it has none."""
    try:
        found = api.get("/miniapps/policy")
    except ServerRefused as problem:
        if problem.status in (403, 404):
            return default_rules()
        raise
    limits = Policy(
        max_upload_bytes=found["max_package_bytes"] + 2**20,
        max_package_bytes=found["max_package_bytes"],
        max_file_bytes=found["max_file_bytes"],
        max_files=found["max_files"],
    )
    checks = CheckPolicy(allowed_domains=tuple(found["allowed_domains"]), locales=tuple(found["locales"]))
    return Rules(limits, checks, "the rules of your workspace")


@contextlib.contextmanager
def progress(output: Output, title: str) -> Iterator[Any]:
    """Give a function `(done, total)` that draws a bar on standard error for people at a terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=output.as_json or not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def accepted(source: Path, rules: Rules, output: Output) -> Iterator[Accepted]:
    """Take in a package file, or a folder packed on the fly, exactly as the server would; raise `PackageRefused`."""
    if not source.exists():
        made = sorted(source.parent.glob("*.ma")) if source.suffix == ".ma" else []
        hint = f" Here are: {', '.join(str(each) for each in made[-5:])}." if made else ""
        raise PackageFileMissing(f"There is no file or folder {source}.{hint} Name an app's folder, or a package.")
    with tempfile.TemporaryDirectory(prefix="sampan-") as name:
        folder = Path(name)
        upload = source
        if source.is_dir():
            if not (source / MANIFEST).exists():
                raise PackageFileMissing(f"{source} has no manifest.json. Pack it first: `sampan pack FOLDER --id ID`.")
            upload = pack(source, folder / "packed", policy=rules.limits).archive_path
        with progress(output, "Reading") as told:
            yield intake(upload, folder / "canonical.ma", rules.limits, progress=told)


def findings(found: Accepted, rules: Rules, *, previous: PackageIndex | None = None) -> list[Finding]:
    """Return what the automatic checks find, gravest first."""
    with PackageReader(found.index, found.archive_path) as reader:
        return check_package(reader, found.manifest, previous=previous, policy=rules.checks)


def has_errors(found: list[Finding]) -> bool:
    """Whether anything found stops the version."""
    return any(each.severity is Severity.ERROR for each in found)


def finding_lines(found: list[Finding]) -> list[str]:
    """Return one line a finding: place, severity, sentence, code."""
    return [f"{_place(each)}{each.severity.value}: {each.message} ({each.code})" for each in found]


def finding_values(found: list[Finding]) -> list[dict[str, Any]]:
    """Return the findings for --json."""
    return [
        {
            "code": each.code,
            "severity": each.severity.value,
            "message": each.message,
            "file": each.file,
            "line": each.line,
        }
        for each in found
    ]


def read_index(path: Path) -> PackageIndex:
    """Return the index in a file."""
    if not path.exists():
        raise PackageFileMissing(f"There is no index {path}.")
    return parse_index(path.read_bytes())


def _place(found: Finding) -> str:
    if found.file is None:
        return ""
    return f"{found.file}:{found.line}: " if found.line else f"{found.file}: "
