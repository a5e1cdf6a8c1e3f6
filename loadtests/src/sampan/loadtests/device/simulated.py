"""A device's round: session, sync, trust, install, open, report; and what came of it, in order.

Whatever the server says is a hint. What may be installed and opened is decided by `offline_packages.device` from
signed metadata; without a server, what is installed opens as before.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from sampan.loadtests.device.answers import EventsAnswer, Offer, StackOffer, SyncAnswer
from sampan.loadtests.device.calls import AnswerUnreadable, Calls, ServerSaysNo
from sampan.loadtests.device.holdings import holdings, with_hotfixes
from sampan.loadtests.device.memory import Memory, Ticket
from sampan.loadtests.device.pinning import pinned_root
from sampan.loadtests.device.rounds import Happening, Round
from sampan.loadtests.device.session import Session
from sampan.offline_packages.atomic_files import Step, no_step
from sampan.offline_packages.device import Device, Hint, StackHint
from sampan.offline_packages.device_store import DeviceStore
from sampan.offline_packages.fetching import Fetch, HttpFetch
from sampan.offline_packages.opened_package import Installed, StoreDamaged
from sampan.offline_packages.roles import checked_app_id, package_path, tree_id
from sampan.offline_packages.trust_errors import Unreachable
from sampan.offline_packages.verifier import TrustedTree
from sampan.platform.errors import Forbidden, SampanError

SYNC, EVENTS = "/client/v1/sync", "/client/v1/events"
PROFILE = "intl"
SHARED = "shared"
KINDS = frozenset({"miniapp", SHARED, "native"})
MAX_TEXT = 500
NOT_MODIFIED = 304
BATCH_IS_BAD = frozenset({413, 422})
FREE_NETWORKS = frozenset({"wifi", "ethernet"})
STAGE_OF_STEP = {"archive_downloaded": "downloaded", "files_verified": "verified"}
WAY_OF_STEP = {"delta_applied": "delta", "files_reused": "files"}
WAYS = {"whole": "whole", "delta": "as a delta", "files": "the changed files alone", "hotfix": "the hotfix"}


class OfferNotOurs(Forbidden):
    """An offer of a kind, an action or an address that is not this device's."""

    code = "offer_not_ours"


class UpdateRequired(Forbidden):
    """What is installed is below the minimum version; it opens once it is updated."""

    code = "open_update_required"


@dataclass(frozen=True, slots=True)
class Profile:
    """What the device says of itself in sync."""

    platform: str = "simulated"
    os_version: str = "1"
    app_version: str = "1.0.0"
    host_version: int = 1
    model: str = "sampan device"
    region: str = ""
    network: str = "wifi"
    lang: str = "zh"


class SimulatedDevice:
    """One device in one folder; not for two processes at a time. Methods block."""

    def __init__(
        self,
        folder: Path,
        *,
        server: str,
        workspace: str,
        client_app: str,
        root: bytes | None = None,
        profile: Profile | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        fetch: Fetch | None = None,
        step: Step = no_step,
    ) -> None:
        """`root` is the tree's root that the app was built with; None takes the one the server shows first.

        `step` is called at each step of every durable change; tests kill the process there.
        """
        self._now_ms, self._outer_step = now_ms, step
        self._profile = profile or Profile()
        self._fetch = fetch or HttpFetch()
        self._round, self._busy_with = Round(), ""
        self._wanted: set[str] = set()
        self._way, self._fell_back = "whole", list[str]()
        self._tree_url = f"{server.rstrip('/')}/trust/{workspace}/{PROFILE}"
        self._tree_name, self._trust_folder, self._root = tree_id(workspace, PROFILE), folder / "trust", root
        self._device: Device | None = None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.calls = Calls(server, workspace)
        self.session = Session(folder, self.calls, client_app, now_ms=now_ms, step=step)
        self.memory = Memory(folder, step=step)
        self.store = DeviceStore(folder / "store", step=self._on_step)
        self.store.recover()

    @property
    def device(self) -> Device:
        """The verifying part; the first use pins the tree's root, and raises `TrustRefused` or `Unreachable`."""
        if self._device is None:
            root = pinned_root(self._trust_folder, self._tree_url, self._fetch, self._root)
            tree = TrustedTree(
                self._trust_folder,
                base_url=self._tree_url,
                tree=self._tree_name,
                root=root,
                fetch=self._fetch,
                step=self._outer_step,
            )
            self._device = Device(tree, self.store, self._fetch)
        return self._device

    def run(self, *, open_apps: bool = True) -> Round:
        """Do one round and return what came of it. What the server or a rule refused is in it, not raised."""
        self._round = Round()
        self._finish_reports()
        for part in (self.sync, *((self.open_all,) if open_apps else ()), self.send_events):
            try:
                part()
            except SampanError as problem:
                self._happened("away" if problem.status >= 500 else "refused", problem=problem)
        return self._round

    def sync(self) -> None:
        """Ask what this device should have, bring trust up to date, and carry out what it allows."""
        facts = self.memory.facts
        headers = {"if-none-match": facts.sync_etag} if facts.sync_etag else {}
        answer = self.session.call("POST", SYNC, self._request(), headers)
        if answer.status == NOT_MODIFIED:
            self._happened("unchanged")
            self._refresh_trust(None)
            return
        found = _decoded(answer.body, SyncAnswer)
        self._round.next_check_seconds = max(1, found.next_check_seconds)
        if found.unsure:
            self._happened("unsure")
        self._refresh_trust(found.listed())
        if not found.unsure:
            facts.minimums = {each.id: each.minimum for each in found.offers if each.minimum}
        ahead_first = sorted(found.offers, key=lambda each: not each.predownload)
        acts = [(each.id, each.sequence, partial(self._obey, each)) for each in ahead_first]
        acts += [(each.app, each.sequence, partial(self._mend, each)) for each in found.hotfixes]
        left = [app_id for app_id, sequence, act in acts if not self._carry_out(app_id, sequence, act)]
        if not found.unsure:
            facts.revision_seen = found.revision
            facts.apps_etag = found.apps.etag if found.apps else ""
            # An answer whose offers were not all carried out must come again, so it is not remembered as had.
            facts.sync_etag = answer.headers.get("etag", "") if not left else ""
            self.memory.save()

    def open_all(self) -> None:
        """Open every installed app as a customer would, read all its files, and report that it runs.

        What apps share is no app: nobody opens it. A native patch is opened as its app would load it, at its start.
        """
        kinds = self.memory.facts.kinds
        for app_id in self.store.apps():
            if self.store.state(app_id).current is not None and kinds.get(app_id) != SHARED:
                self.open(app_id)

    def open(self, app_id: str) -> bool:
        """Open one app; return whether it opened. A refusal is in the round."""
        began = time.monotonic()
        try:
            self._refuse_outdated(app_id)
            before = self._held()
            with self.device.open(app_id, now_ms=self._now_ms()) as app:
                for entry in app.package.index.files:
                    app.package.read(entry.path)
                installed, why = app.package.installed, app.why or ""
        except SampanError as problem:
            if isinstance(problem, StoreDamaged) and app_id not in self.memory.facts.damaged:
                self.memory.facts.damaged.append(app_id)
            self._refuse(app_id, self._sequence(app_id), problem)
            return False
        self._say_left(before)
        self.device.booted(app_id)
        took_ms = int((time.monotonic() - began) * 1000)
        self.memory.note(
            "app.opened",
            at_ms=self._now_ms(),
            app=app_id,
            sequence=installed.sequence,
            attrs={"milliseconds": took_ms, "fetched": False},  # it downloads before, in its round
            **({"digest": installed.digest} if installed.patches else {}),
        )
        if self._is_of_ticket(app_id):
            self.memory.stage(app_id, "booted", at_ms=self._now_ms(), milliseconds=took_ms)
        name = with_hotfixes(installed) if installed.patches else ""
        self._round.happenings.append(Happening("opened", app_id, installed.sequence, why, name))
        return True

    def send_events(self) -> None:
        """Send the events that the server has not taken yet, oldest first."""
        while batch := self.memory.batch():
            try:
                answer = _decoded(self.session.call("POST", EVENTS, {"batch": batch}).body, EventsAnswer)
            except ServerSaysNo as problem:
                if problem.status not in BATCH_IS_BAD:
                    raise
                self.memory.drop(batch)  # it will never be taken, and would hold all later ones up
                self._happened("refused", problem=problem)
                continue
            self.memory.taken(batch, answer.accepted_through, answer.gaps)
            for each in answer.refused:
                self._round.happenings.append(Happening("event_refused", sequence=each.seq, code=each.code))
            if self.memory.batch() == batch:
                return  # nothing was taken: the next round tries again

    def status(self) -> dict[str, Any]:
        """Return what is on the device, without the network."""
        facts, kept = self.memory.facts, self.session.kept
        apps = []
        for app_id in self.store.apps():
            state = self.store.state(app_id)
            now = state.current
            apps.append(
                {
                    "id": app_id,
                    "version": now.version if now else None,
                    "sequence": now.sequence if now else None,
                    "digest": now.digest if now else None,
                    "hotfixes": list(now.patches) if now else [],
                    "booted": now.is_confirmed if now else False,
                    "highest": state.highest,
                    "failed": list(state.failed),
                }
            )
        return {
            "device": kept.device,
            "customer": kept.customer,
            "tier": kept.tier,
            "revision": facts.revision_seen,
            "apps": apps,
            "events_waiting": len(facts.events),
            "next_event": facts.next_seq,
        }

    def _request(self) -> dict[str, Any]:
        facts = self.memory.facts
        return {
            "client_app": self.session.kept.client_app,
            "revision_seen": facts.revision_seen,
            "apps_etag": facts.apps_etag,
            "device": asdict(self._profile),
            "installed": list(holdings(self.store, facts.kinds, facts.damaged)),
        }

    def _refresh_trust(self, listed: list[str] | None) -> None:
        before = self._held()
        for app_id, problem in self.device.sync(now_ms=self._now_ms(), listed=listed).items():
            self._refuse(app_id, self._sequence(app_id), problem)
        self._say_left(before)

    def _held(self) -> dict[str, Installed]:
        states = {app_id: self.store.state(app_id).current for app_id in self.store.apps()}
        return {app_id: now for app_id, now in states.items() if now is not None}

    def _say_left(self, before: Mapping[str, Installed]) -> None:
        """Tell which versions lost the hotfixes that they had `before`."""
        for app_id, now in self._held().items():
            had = before.get(app_id, now)
            if had.patches and not now.patches and had.sequence == now.sequence:
                told = Happening("left_hotfixes", app_id, now.sequence, detail=with_hotfixes(had))
                self._round.happenings.append(told)

    def _carry_out(self, app_id: str, sequence: int, act: Callable[[], bool]) -> bool:
        """Carry out one hint as far as the signed tree allows; return whether nothing is left to do of it."""
        try:
            return act()
        except SampanError as problem:
            if isinstance(problem, Unreachable):
                self._happened("away", app_id, sequence, problem)
            else:
                self._refuse(app_id, sequence, problem)
                if self._busy_with:
                    self.memory.stage(app_id, "failed", at_ms=self._now_ms(), code=problem.code)
            return False
        finally:
            self._busy_with = ""

    def _obey(self, offer: Offer) -> bool:
        self._check(offer)
        if offer.action != "remove":
            return self._take(offer)
        self._remove(offer)
        return True

    def _mend(self, offer: StackOffer) -> bool:
        """Apply the hotfixes that an installed version should have; return whether that is done."""
        now = self.store.state(offer.app).current
        if now is None or now.sequence != offer.sequence or now.digest == offer.digest:
            return True
        self._offered(offer.app, Ticket("hotfix", offer.release, offer.ticket, offer.sequence, offer.digest))
        self._round.happenings.append(Happening("offered", offer.app, offer.sequence, detail=f"hotfix {offer.n}"))
        self._busy_with, self._way, self._fell_back = offer.app, "hotfix", []
        self.device.apply_hotfixes(StackHint(offer.app, offer.sequence, tuple(offer.patches), offer.digest))
        self._installed(offer.app, offer.sequence, f"{now.version}+{offer.n}")
        return True

    def _check(self, offer: Offer) -> None:
        """Refuse what is not for this device; the address is compared, never used."""
        checked_app_id(offer.id)
        if offer.kind not in KINDS or offer.action not in ("install", "rollback", "remove"):
            raise OfferNotOurs(f"The offer of {offer.id} is of a kind or an action that this device does not know.")
        if offer.action == "remove":
            return
        folder = package_path(offer.id, offer.sequence).rpartition("/")[0]
        whole = f"{self._tree_url}/targets/{folder}/"
        path = "/" + whole.partition("://")[2].partition("/")[2]
        rest = offer.url.removeprefix(whole).removeprefix(path)
        if rest == offer.url or "/" in rest or not rest.endswith(".package.ma"):
            raise OfferNotOurs(f"The offer of {offer.id} points outside {whole}.")

    def _take(self, offer: Offer) -> bool:
        """Fetch and install an offered version; return whether that is done, and does not wait for Wi-Fi."""
        facts = self.memory.facts
        self._offered(offer.id, Ticket(offer.kind, offer.release, offer.ticket, offer.sequence, offer.digest))
        self._round.happenings.append(Happening("offered", offer.id, offer.sequence, detail=offer.action))
        if offer.wifi_only and self._profile.network not in FREE_NETWORKS and offer.id not in self._wanted:
            self._round.happenings.append(Happening("deferred", offer.id, offer.sequence))
            return False  # the answer comes again until this is done
        self._busy_with, self._way, self._fell_back = offer.id, "whole", []
        # The tree knows no roll-back as such: the rule asks the signed control file for this very pair.
        taken = self.device.apply(Hint(offer.id, "install", offer.sequence, offer.digest))
        facts.kinds[offer.id] = offer.kind
        if offer.id in facts.damaged:
            facts.damaged.remove(offer.id)
        if taken is not None:
            self._installed(offer.id, taken.sequence, taken.version)
        self._wanted.discard(offer.id)
        return True

    def _offered(self, app_id: str, ticket: Ticket) -> None:
        """Keep what the device was offered, and report it once."""
        held = self.memory.facts.tickets.get(app_id)
        if held is None or (held.release, held.ticket, held.digest) != (ticket.release, ticket.ticket, ticket.digest):
            self.memory.facts.tickets[app_id] = ticket
            self.memory.stage(app_id, "offered", at_ms=self._now_ms())

    def _installed(self, app_id: str, sequence: int, version: str) -> None:
        self.memory.stage(app_id, "installed", at_ms=self._now_ms())
        self._round.happenings.append(Happening("installed", app_id, sequence, detail=version))

    def _refuse_outdated(self, app_id: str) -> None:
        """Raise `UpdateRequired` for a version below the minimum; somebody waits, so the next round fetches it."""
        now, minimum = self.store.state(app_id).current, self.memory.facts.minimums.get(app_id, 0)
        if now is not None and now.sequence < minimum:
            self._wanted.add(app_id)
            raise UpdateRequired(f"{app_id} must be updated before it opens. Connect to the network and open it again.")

    def _remove(self, offer: Offer) -> None:
        left = self.device.apply(Hint(offer.id, "remove"))
        self._round.happenings.append(Happening("kept" if left else "removed", offer.id, offer.sequence))

    def _finish_reports(self) -> None:
        """Report what a kill kept from being reported: an installed or booted version of the last offer."""
        for app_id, held in self.memory.facts.tickets.items():
            now = self.store.state(app_id).current
            if now is None or now.digest != held.digest or held.stage == "booted":
                continue
            self.memory.stage(app_id, "booted" if now.is_confirmed else "installed", at_ms=self._now_ms())

    def _on_step(self, name: str) -> None:
        stage = STAGE_OF_STEP.get(name)
        if name.endswith("_refused"):
            self._fell_back.append(name.removesuffix("_refused"))
        self._way = WAY_OF_STEP.get(name, self._way)
        if stage is not None and self._busy_with:
            self.memory.stage(
                self._busy_with, stage, at_ms=self._now_ms(), **(self._came() if stage == "downloaded" else {})
            )
            held = self.memory.facts.tickets[self._busy_with]
            how = self._how_it_came() if stage == "downloaded" else ""
            self._round.happenings.append(Happening(stage, self._busy_with, held.sequence, detail=how))
        self._outer_step(name)

    def _came(self) -> dict[str, str]:
        """Return how the bytes came, and what was tried before in vain."""
        return {"way": self._way, **({"fell_back": " ".join(self._fell_back)} if self._fell_back else {})}

    def _how_it_came(self) -> str:
        """Return the same for people."""
        return WAYS[self._way] + (f", after {' and '.join(self._fell_back)} failed" if self._fell_back else "")

    def _refuse(self, app_id: str, sequence: int, problem: SampanError) -> None:
        self._happened("refused", app_id, sequence, problem)
        if app_id and not isinstance(problem, Unreachable):
            names = {"app": app_id[:200], **({"sequence": sequence} if sequence > 0 else {})}
            attrs = {"code": problem.code, "detail": problem.detail[:MAX_TEXT]}
            self.memory.note("trust.refused", at_ms=self._now_ms(), attrs=attrs, **names)

    def _happened(self, what: str, app_id: str = "", sequence: int = 0, problem: SampanError | None = None) -> None:
        code, detail = (problem.code, problem.detail) if problem else ("", "")
        self._round.happenings.append(Happening(what, app_id, sequence, code, detail))

    def _sequence(self, app_id: str) -> int:
        now = self.store.state(app_id).current
        return now.sequence if now else 0

    def _is_of_ticket(self, app_id: str) -> bool:
        held, now = self.memory.facts.tickets.get(app_id), self.store.state(app_id).current
        return held is not None and now is not None and held.digest == now.digest


def _decoded(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise AnswerUnreadable(f"The answer is not the protocol's: {problem}.") from problem
