"""The format page tells every refusal, every limit and every check there is."""

import re
from pathlib import Path

import pytest

from sampan.offline_packages import FORMAT, Policy, all_refusals

README = (Path(__file__).parents[1] / "README.md").read_text()
PAGE = (Path(__file__).parents[2] / "docs" / "protocols" / "package.md").read_text()
SOURCES = Path(__file__).parents[1] / "src" / "sampan" / "offline_packages"


def test_the_table_of_refusals_is_complete_and_exact() -> None:
    rows = re.findall(
        r"^\| `((?:zip|path|size|type|manifest|layout|index|archive|folder)_\w+)` \| (.+) \|$", PAGE, re.M
    )
    expected = [(refusal.code, refusal.sentence.replace("|", "\\|")) for refusal in all_refusals()]
    assert [row for row in rows if row[0] in dict(expected)] == expected


def test_codes_are_unique() -> None:
    codes = [refusal.code for refusal in all_refusals()]
    assert len(codes) == len(set(codes))


def test_the_limits_are_those_of_the_policy() -> None:
    policy = Policy()
    mebibyte = 1024 * 1024
    assert f"| upload | {policy.max_upload_bytes // mebibyte} MiB |" in PAGE
    assert f"| all files together, unpacked | {policy.max_package_bytes // mebibyte} MiB |" in PAGE
    assert f"| one file, unpacked | {policy.max_file_bytes // mebibyte} MiB |" in PAGE
    assert f"| entries (files and folders) | {policy.max_files:,} |" in PAGE
    assert f"{policy.max_ratio}-fold" in PAGE
    assert f'"{FORMAT}"' in PAGE


def test_every_finding_is_told() -> None:
    names = ("checks.py", "source_scan.py", "secret_scan.py", "findings.py")
    text = "".join((SOURCES / name).read_text() for name in names)
    codes = set(re.findall(r'(?:code=|_Hit\(|match\.start\(\), |position, )"([a-z_]+)"', text))
    assert len(codes) > 20
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()


def test_the_first_try_of_the_readme_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<!doctype html><script>inline()</script>")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.+?)```", README, re.S)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own page
    assert "csp_inline_script" in capsys.readouterr().out


def test_the_readme_names_the_modules_it_imports_from() -> None:
    init = (SOURCES / "__init__.py").read_text()
    modules = set(re.findall(r"^    from sampan\.offline_packages\.(\w+) import", init, re.M))
    assert len(modules) > 5
    assert {name for name in modules if f"`{name}.py`" not in README} == set()
