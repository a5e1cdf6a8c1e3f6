// What ends the app's life, or harms its own origin; each at a click.
const LAST = {
  popup: () => open(`${TARGETS.listener}/hostile-popup`),
  leave: () => location.assign(`${TARGETS.listener}/hostile-leave`),
  refresh: () => make("meta", { "http-equiv": "refresh", content: `0; url=${TARGETS.listener}/hostile-refresh` }, document.head),
  form: () => make("form", { action: `${TARGETS.listener}/hostile-form`, method: "post" }).submit(),
  "other-version": () => parent.postMessage({ ...hello("x"), digest: `sha256:${"0".repeat(64)}` }, "*"),
  "hello-flood": () => {
    for (let n = 0; n < 99; n++) parent.postMessage(hello(`${n}`), "*");
  },
  "cookie-flood": () => {
    for (let n = 0; n < 100; n++) document.cookie = `flood${n}=${"x".repeat(4_000)}; domain=sampan.localhost; path=/`;
  },
  damage: async () => {
    const unregister = cleanWindow().ServiceWorkerRegistration.prototype.unregister;
    for (const each of await navigator.serviceWorker.getRegistrations()) await unregister.call(each);
    const forged = new Response("<!doctype html><h1>Forged</h1>", { headers: { "Content-Type": "text/html" } });
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) await cache.put(request, forged.clone());
      await cache.put("/index.html", forged.clone());
    }
    document.body.dataset.damaged = "yes";
  },
};
for (const [name, act] of Object.entries(LAST)) {
  document.getElementById(name).addEventListener("click", () => {
    act();
    document.body.dataset.clicked = name;
  });
}
