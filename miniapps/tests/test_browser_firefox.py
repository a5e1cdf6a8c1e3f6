"""The container in a real Firefox: what a browser of another make does with it. Chromium's tests say the rest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from container_world import World
from firefox_bidi import Firefox, firefox

pytestmark = pytest.mark.skipif(firefox() is None, reason="no Firefox on this machine: apt-get install firefox-esr")

APP = "bank.demo.fox"
SCRIPT = "sampan.user.tier().then((tier) => { document.getElementById('who').textContent += ` ${tier}`; });"
# Opens the app, waits until something has happened to it, and returns what the container told.
OPEN = """
  const world = await window.world;
  world.told.length = 0;
  await world.container.open(args.app);
  const until = Date.now() + 20_000;
  while (!world.told.some((each) => each.event === args.event)) {
    if (Date.now() > until) throw new Error(JSON.stringify(world.told));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return world.told;
"""
INSTALL = "await (await window.world).install(args.app, args.sequence, args.digest);"
CLOSE = "(await window.world).container.close(args.app);"
FORGE = """
  const cache = await caches.open("sampan-packages");
  for (const request of await cache.keys()) {
    if (!request.url.includes("archive")) continue;
    const bytes = new Uint8Array(await (await cache.match(request)).arrayBuffer());
    const at = new TextDecoder("latin1").decode(bytes).indexOf("sampan.user.tier");
    bytes.set(new TextEncoder().encode("forged"), at);
    await cache.put(request, new Response(bytes));
  }
"""
SHOWN = """
  const until = Date.now() + 20_000;
  while (!document.body?.innerText.includes("full") && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return [document.body.innerText.trim(), location.pathname + location.search];
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("fox"))
    made.start()
    yield made
    made.stop()


def open_app(fox: Firefox, event: str = "booted") -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = fox.run(OPEN, app=APP, event=event)
    return told


def test_an_app_opens_is_healed_and_opens_again_with_the_server_gone(world: World, tmp_path: Path) -> None:
    version = world.publish(APP, 1, {"app.js": SCRIPT}, permissions=("user.tier",))
    shown = [f"{APP} 1 full", "/index.html"]
    with Firefox(tmp_path / "profile") as fox:
        fox.goto(world.shell)
        fox.run("await navigator.serviceWorker.ready;")
        fox.run(INSTALL, app=APP, sequence=version.sequence, digest=version.index_digest)
        open_app(fox)
        assert fox.in_app(SHOWN) == shown
        refused = fox.in_app("try { await sampan.location(); } catch (problem) { return problem.code; }")
        assert refused == "permission_denied"
        fox.run(CLOSE, app=APP)
        open_app(fox)  # without the boot page
        assert fox.in_app(SHOWN) == shown
        fox.in_app(FORGE)
        fox.run(CLOSE, app=APP)
        told = open_app(fox, "healed")
        assert {"event": "refused", "app": APP, "code": "store_damaged", "path": "app.js"} in told
        assert fox.in_app(SHOWN) == shown
    world.stop()
    with Firefox(tmp_path / "profile") as fox:
        fox.goto(world.shell)
        open_app(fox)
        assert fox.in_app(SHOWN) == shown
