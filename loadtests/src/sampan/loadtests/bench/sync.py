"""What a sync costs against a bare Starlette JSON answer: 200 mini-apps, each for some of 20,000 devices.

Every app is released to a tier, under four conditions on what the client says, and to a percentage. Every device has a
token of its own, describes itself as hardly another does, and sends real requests: the token is checked, the body
decoded, and the server is a plain `sampan up --demo` with its metrics and its access log. Three rows of it:

- `full`: a device that holds nothing, not even the catalogue, is offered all that is meant for it;
- `held`: the same by a device that holds the catalogue;
- `unchanged`: a device that carried all offers out and names what it holds, and the ETag of its last answer: 304.

A second server has 1,800 apps more, of a tier and of a platform that no device has: `full_2000`. Each round takes the
next slice of the devices, on every row the same. Every second device holds nothing all the time, the others hold what
they were offered.
"""

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sampan.loadtests.bench.harness import CannotRun, Figures, Session
from sampan.loadtests.bench.load import Load, drive, prepare
from sampan.loadtests.bench.server import Server, bare_hello
from sampan.loadtests.bench.sync_bank import sync_banks
from sampan.loadtests.bench.sync_rows import claims

DEVICES, QUICK_DEVICES = 20_000, 4_000
SLICES, QUICK_SLICES = 10, 4
ROUNDS, QUICK_ROUNDS = 30, 8
_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """The requests of one slice of the devices."""

    full: list[bytes]
    held: list[bytes]
    unchanged: list[bytes]


def run(session: Session) -> None:
    """Measure; each round sends one request of every device of a slice."""
    count, slices = (QUICK_DEVICES, QUICK_SLICES) if session.quick else (DEVICES, SLICES)
    with (
        tempfile.TemporaryDirectory(prefix="sampan-bench-") as folder,
        sync_banks(Path(folder), count, session.say) as (ours, many, tokens),
        bare_hello() as hello,
    ):
        session.say(f"{count} devices ask for the first time")
        asked, offers, first = _first_contact(ours, many, tokens, count // slices)
        plain = [prepare("GET", "/")] * (count // slices // 2)
        rows = {
            "hello": _turn(asked, lambda _slice: drive(hello, plain)),
            "full": _turn(asked, lambda now: drive(ours, now.full)),
            "full_2000": _turn(asked, lambda now: drive(many, now.full)),
            "held": _turn(asked, lambda now: drive(ours, now.held)),
            "unchanged": _turn(asked, lambda now: drive(ours, now.unchanged, expect=304)),
        }
        session.measure(rows, rounds=ROUNDS, quick_rounds=QUICK_ROUNDS)
    session.rate("unchanged_vs_hello", ours="unchanged", reference="hello", at_least=0.7)
    session.rate("full_vs_hello", ours="full", reference="hello", at_least=0.25)
    session.rate("full_2000_over_200", ours="full_2000", reference="full", at_least=0.8)
    session.rate("held_vs_hello", ours="held", reference="hello")
    session.state("first_contact_cpu_ms", first)
    session.state("offers_median", statistics.median(offers))


def _turn(asked: Sequence[Asked], call: Callable[[Asked], Load]) -> Callable[[], Figures]:
    """Return a row that takes the next slice each time."""

    def slices() -> Iterator[Asked]:
        while True:
            yield from asked

    following = slices()
    return lambda: call(next(following)).figures()


def _first_contact(
    ours: Server, many: Server, tokens: Sequence[str], size: int
) -> tuple[list[Asked], list[int], float]:
    """Let every device ask both servers; every second one carries out the offers of the first server.

    Returns each slice's requests, how many offers the devices got, and the first server's CPU milliseconds a request.
    """
    asked: list[Asked] = []
    offers: list[int] = []
    seconds = 0.0
    for first in range(0, len(tokens), _AT_A_TIME):
        numbers = range(first, min(first + _AT_A_TIME, len(tokens)))
        full = [_request(tokens[each], each) for each in numbers]
        answers, spent = _surely(ours, full)
        seconds += spent
        others, _spent = _surely(many, full)
        offered = [len(each["offers"]) for each in answers]
        if [len(each["offers"]) for each in others] != offered:
            raise CannotRun("The apps that fit nobody changed what devices are offered.")
        offers += offered
        if first % size == 0:
            asked.append(Asked([], [], []))
        asked[-1].full.extend(full[::2])
        asked[-1].held.extend(
            _request(tokens[each], each, apps_etag=answer["apps"]["etag"])
            for each, answer in zip(numbers[::2], answers[::2], strict=True)
        )
        holding = {each: _holding(answer) for each, answer in zip(numbers[1::2], answers[1::2], strict=True)}
        etags = drive(ours, [_request(tokens[n], n, **held) for n, held in holding.items()], keep_bodies=True).etags
        asked[-1].unchanged.extend(
            _request(tokens[n], n, etag=etag, **held) for (n, held), etag in zip(holding.items(), etags, strict=True)
        )
    if len(set(offers)) < 10 or min(offers) < 1:  # all that is measured must be what is promised
        raise CannotRun(f"Devices get different offers; these had from {min(offers)} to {max(offers)}.")
    return asked, offers, seconds * 1000 / len(tokens)


def _surely(server: Server, requests: Sequence[bytes]) -> tuple[list[Any], float]:
    """Return the answers and the CPU seconds; again, when a busy machine kept the server from its database for long."""
    for _ in range(5):
        load = drive(server, requests, keep_bodies=True)
        answers = [json.loads(body) for body in load.bodies]
        if not any(each.get("unsure") for each in answers):
            return answers, load.server_cpu_seconds
    raise CannotRun("The machine is too busy: the server did not reach its database for seconds.")


def _holding(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a device says when it has carried out an answer."""
    names = ("kind", "id", "version", "sequence", "digest")
    installed = [{name: offer[name] for name in names} for offer in answer["offers"]]
    return {"revision_seen": answer["revision"], "apps_etag": answer["apps"]["etag"], "installed": installed}


def _request(token: str, number: int, *, etag: str = "", **said: object) -> bytes:
    headers = {"authorization": f"Bearer {token}"}
    if etag:
        headers["if-none-match"] = etag
    body = {"client_app": "retail", "revision_seen": "", "apps_etag": "", "device": claims(number), "installed": []}
    return prepare("POST", "/client/v1/sync", headers=headers, body={**body, **said})
