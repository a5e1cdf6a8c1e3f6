"""Run one benchmark: `./dev bench NAME [--json] [--quick]`, or name them all: `./dev bench --list`.

Progress goes to standard error. With `--json` the last line of standard output is one JSON object. The exit
status is 1 when a limit is missed and 2 when the bench could not run.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from sampan.loadtests.bench.harness import CannotRun, Session, progress

# Each name is a module of this package with a `run(session)` function.
BENCHES = {
    "audience": "tags of 5 million customers: loading, memory, A and B and not C; beside rows in PostgreSQL and DuckDB",
    "delta": "deltas between real npm releases and between mini-app builds, beside ZIP, Zstandard and reuse",
    "hello": "`/healthz`, `session/refresh` and `sync` with 20 apps against a bare Starlette JSON answer",
    "hotfix": "the upload of a hotfix until a device has it; a CodePush check against a bare Starlette JSON answer",
    "intake": "package intake at 1, 20 and 100 MB against `unzip -t` and sha256 of the same file",
    "ofrep": "100 switches at once and one alone over OFREP against a bare Starlette JSON answer",
    "open": "opening mini-apps of 200 kB and 2 MB in Chromium against the same sites straight over HTTP",
    "rules": "one rule of four conditions and a percentage against the clients of Unleash and GrowthBook",
    "start": "spawn of `sampan up` to the first 200 of /readyz against a bare uvicorn hello",
    "sync": "200 mini-apps of four conditions and a percentage for 20,000 devices against a bare Starlette JSON answer",
    "visible": "a release by the command line until an open shell in Chromium shows it",
}


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for and return the exit status."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="Run one benchmark beside its reference.")
    parser.add_argument("name", nargs="?", choices=list(BENCHES), metavar="NAME", help="see --list")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds, under 50 seconds")
    parser.add_argument("--list", action="store_true", help="name the benchmarks")
    asked = parser.parse_args(arguments)
    if asked.list:
        _write("\n".join(f"{name:<8} {what}" for name, what in BENCHES.items()))
        return 0
    if asked.name is None:
        parser.error("which one? --list names them")
    return _run(asked.name, quick=asked.quick, as_json=asked.json)


def _run(name: str, *, quick: bool, as_json: bool) -> int:
    session = Session(name, quick=quick, say=progress)
    try:
        importlib.import_module(f"{__package__}.{name}").run(session)
    except CannotRun as problem:
        progress(f"bench {name} could not run: {problem}")
        return 2
    report = session.report()
    for limit in session.missed():
        progress(f"missed: {limit}")
    _write(json.dumps(report) if as_json else "\n".join(_table(report)))
    return 0 if report["ok"] else 1


def _table(report: Mapping[str, Any]) -> list[str]:
    lines = [f"{report['bench']}: {report['rounds']} rounds, {report['seconds']} s"]
    for row, figures in report["rows"].items():
        lines.append(f"  {row:<34}" + "  ".join(f"{name} {value:g}" for name, value in figures.items()))
    for name, value in report["ratios"].items():
        sign, bound = report["limits"].get(name, ("", None))
        low, high = report["spread"].get(name, (value, value))
        wanted = "" if bound is None else f"  wanted {sign} {bound:g}"
        lines.append(f"  {name:<34}{value:g}  ({low:g} to {high:g}){wanted}")
    lines += [f"  skipped {what}" for what in report["skipped"]]
    return lines


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
