"""The bench harness says what was measured, and fails where a limit is missed."""

import json
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampan.loadtests.bench import __main__ as command
from sampan.loadtests.bench.builds import deflated_package
from sampan.loadtests.bench.cpu import cpu_seconds
from sampan.loadtests.bench.harness import Session
from sampan.loadtests.bench.load import UnexpectedAnswer, drive, prepare
from sampan.loadtests.bench.server import HOST, Server, ServerFailed
from sampan.offline_packages import intake

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
ECHO = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        body = (await receive())["body"]
        status = 404 if scope["path"] == "/nothing" else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode() + b" " + body})
"""


def session_with(ours: list[float], reference: list[float]) -> Session:
    session = Session("example")
    ours_left, reference_left = iter(ours), iter(reference)
    rows = {"ours": lambda: {"cpu_ms": next(ours_left)}, "reference": lambda: {"cpu_ms": next(reference_left)}}
    session.measure(rows, rounds=len(ours), warm_up=False)
    return session


def test_a_rate_is_the_median_of_the_rounds_own_ratios() -> None:
    session = session_with(ours=[2.0, 40.0, 4.0], reference=[1.0, 10.0, 1.0])
    assert session.rate("ours_vs_reference", ours="ours", reference="reference") == 0.25
    assert session.report()["spread"] == {"ours_vs_reference": [0.25, 0.5]}


def test_a_cost_is_the_inverse_of_a_rate() -> None:
    session = session_with(ours=[3.0], reference=[2.0])
    assert session.cost("ours_over_reference", ours="ours", reference="reference") == 1.5


@pytest.mark.parametrize(
    ("value", "at_least", "at_most", "holds"),
    [
        (0.45, 0.45, None, True),
        (0.4499, 0.45, None, False),
        (3.0, None, 3.0, True),
        (3.01, None, 3.0, False),
        (float("nan"), 0.45, None, False),
        (float("nan"), None, 3.0, False),
        (0.1, None, None, True),
    ],
)
def test_a_limit_holds_or_is_missed(value: float, at_least: float | None, at_most: float | None, holds: bool) -> None:
    session = session_with(ours=[1.0], reference=[1.0])
    session.state("figure", value, at_least=at_least, at_most=at_most)
    assert session.missed() == ([] if holds else ["figure"])
    assert session.report()["ok"] is holds


def test_every_second_round_runs_the_other_way() -> None:
    order = []

    def row(name: str) -> dict[str, float]:
        order.append(name)
        return {"cpu_ms": 1.0}

    session = Session("example", quick=True)
    session.measure({"a": lambda: row("a"), "b": lambda: row("b")}, rounds=9, quick_rounds=2)
    assert order == ["b", "a", "a", "b", "b", "a"]
    assert session.report()["rounds"] == 2


def test_the_report_is_json_and_names_what_was_skipped() -> None:
    session = session_with(ours=[1.23456], reference=[1.0])
    session.skip("other-server", "it is not installed")
    report = json.loads(json.dumps(session.report()))
    assert report["skipped"] == ["other-server: it is not installed"]
    assert report["rows"]["ours"] == {"cpu_ms": 1.235}
    assert report["machine"]["cores"] >= 1


@pytest.fixture
def bench_module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("sampan.loadtests.bench.example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(command.BENCHES, "example", "an example")
    return module


def test_the_last_line_of_output_is_the_report(
    bench_module: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    bench_module.__dict__["run"] = lambda session: session.state("figure", 2.0, at_least=1.0)
    assert command.main(["example", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["ratios"] == {"figure": 2.0}
    assert report["limits"] == {"figure": [">=", 1.0]}
    assert report["ok"] is True


def test_a_missed_limit_is_the_exit_status(bench_module: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    bench_module.__dict__["run"] = lambda session: session.state("figure", 0.5, at_least=1.0)
    assert command.main(["example"]) == 1
    told = capsys.readouterr()
    assert "missed: figure" in told.err
    assert "wanted >= 1" in told.out


def test_a_server_that_does_not_start_ends_the_bench_with_its_output(
    bench_module: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(session: Session) -> None:
        with Server([sys.executable, "-c", "raise SystemExit('no such folder')"]):
            session.state("figure", 1.0)

    bench_module.__dict__["run"] = run
    assert command.main(["example"]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_every_bench_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    assert set(command.BENCHES) == {line.split()[0] for line in capsys.readouterr().out.splitlines()}


@pytest.mark.parametrize("waited_for", [True, False])
def test_cpu_time_counts_descendants_living_and_ended(waited_for: bool) -> None:
    """The child of our child burns 0.3 s, and then either is waited for or still lives when we look."""
    child = BURN + ("" if waited_for else "print('burnt', flush=True)\ninput()\n")
    parent = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)\n"
        + ("child.wait()\nprint('burnt', flush=True)\n" if waited_for else "")
        + "input()\nchild.stdin.close()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"burnt\n"
        used = cpu_seconds(process.pid)
        process.stdin.close()
    assert 0.28 < used < 3


def test_cpu_time_of_a_process_that_is_gone_is_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert cpu_seconds(process.pid) == 0


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("echo")
    (folder / "bench_echo.py").write_text(ECHO)
    options = ["--app-dir", str(folder), "--host", HOST, "--port", "{port}", "--lifespan", "off"]
    with Server([sys.executable, "-m", "uvicorn", "bench_echo:app", *options], ready="/") as server:
        yield server


def test_bodies_stand_in_the_order_of_the_requests(echo: Server) -> None:
    requests = [prepare("POST", f"/{number}", body={"number": number}) for number in range(200)]
    load = drive(echo, requests, keep_bodies=True)
    assert load.bodies == [f'/{number} {{"number": {number}}}'.encode() for number in range(200)]
    assert load.figures()["cpu_ms"] > 0


def test_a_body_of_bytes_is_sent_untouched(echo: Server) -> None:
    request = prepare("POST", "/", headers={"content-type": "application/x"}, body=b"\x00\xff")
    assert drive(echo, [request], keep_bodies=True).bodies == [b"/ \x00\xff"]


def test_another_status_ends_the_run(echo: Server) -> None:
    requests = [prepare("GET", "/"), prepare("GET", "/nothing"), prepare("GET", "/")]
    with pytest.raises(UnexpectedAnswer, match="status 404 instead of 200 for request 1: /nothing"):
        drive(echo, requests)
    assert len(drive(echo, requests[1:2], expect=404).latencies_ms) == 1


def test_a_stopped_server_is_gone(tmp_path: Path) -> None:
    (tmp_path / "bench_echo.py").write_text(ECHO)
    options = ["--app-dir", str(tmp_path), "--host", HOST, "--port", "{port}", "--lifespan", "off"]
    with Server([sys.executable, "-m", "uvicorn", "bench_echo:app", *options], ready="/") as server:
        assert server.ready_after_seconds > 0
        assert server.get("/nothing")[0] == 404
    with pytest.raises(ConnectionRefusedError):
        server.get("/")


def test_the_measured_upload_is_one_that_intake_accepts(tmp_path: Path) -> None:
    upload = deflated_package(tmp_path, 1)
    accepted = intake(upload, tmp_path / "accepted.ma")
    assert 1_000_000 < accepted.report.total_bytes < 1_010_000
    assert 300_000 < accepted.report.upload_bytes < 600_000


def test_no_answer_in_time_is_an_error() -> None:
    with (
        pytest.raises(ServerFailed, match="no 200 from /readyz"),
        Server([sys.executable, "-c", "import signal; signal.pause()"], patience_seconds=0.05),
    ):
        pass
