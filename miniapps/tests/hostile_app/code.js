// Code that is not in the signed package, and workers.
globalThis.hostileRan = (name) => ran.add(name);
const source = (name) => `hostileRan(${JSON.stringify(name)})`;
const blobUrl = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
const dataUrl = (text) => `data:text/javascript,${encodeURIComponent(text)}`;

/** Do it, then see whether the code ran or the policy spoke. */
function codeAttempt(name, act) {
  attempt(name, async () => {
    const from = blocked.length;
    await act(name);
    for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await pause(10)) {
      if (ran.has(name)) return "it ran";
      const found = violation(from, null);
      if (found) refuse(found.directive);
    }
    return "nobody said no";
  });
}

attempt("eval", () => globalThis.eval("1"));
attempt("eval_of_clean_window", () => cleanWindow().eval("1"));
attempt("new_function", () => new Function("return 1")());
attempt("async_function", () => new (async () => {}).constructor("return 1")());
codeAttempt("timer_text", (name) => void setTimeout(source(name)));
codeAttempt("inline_script", (name) => void (make("script", {}).textContent = source(name)));
codeAttempt("inline_handler", (name) => make("button", { onclick: source(name) }).click());
codeAttempt("javascript_link", (name) => make("a", { href: `javascript:${source(name)}` }).click());
codeAttempt("javascript_frame", (name) => void make("iframe", { src: `javascript:parent.${source(name)}` }));
attempt("srcdoc_script", async () => {
  const frame = make("iframe", { srcdoc: `<script>parent.${source("srcdoc_script")}</script>` });
  await new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  return ran.has("srcdoc_script") || refuse("loaded without it");
});
codeAttempt("data_script", (name) => void make("script", { src: dataUrl(source(name)) }));
codeAttempt("blob_script", (name) => void make("script", { src: blobUrl(source(name)) }));
attempt("data_import", () => import(dataUrl("export default 1")));
attempt("blob_import", () => import(blobUrl("export default 1")));
attempt("web_assembly", () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])));
attempt("paint_worklet", async () => {
  const from = blocked.length;
  await CSS.paintWorklet.addModule(blobUrl("1")).catch(() => untilBlocked(from, null));
});

function workerAttempt(name, start) {
  attempt(name, async () => {
    const from = blocked.length;
    const worker = start();
    const failed = new Promise((resolve) => (worker.onerror = resolve));
    const spoke = new Promise((resolve) => ((worker.port ?? worker).onmessage = () => resolve("it ran")));
    const what = await Promise.race([failed, spoke, pause(PATIENCE_MS)]);
    if (what === "it ran") return what;
    await untilBlocked(from, null);
    return "nobody said no";
  });
}
workerAttempt("worker_blob", () => new Worker(blobUrl("postMessage(1)")));
workerAttempt("worker_data", () => new Worker(dataUrl("postMessage(1)")));
workerAttempt("worker_file", () => new Worker("/worker.js"));
workerAttempt("shared_worker_file", () => new SharedWorker("/worker.js"));

const registered = {
  service_worker_of_platform: ["/__sw.js"],
  service_worker_with_query: ["/__sw.js?x=1"],
  service_worker_with_scope: ["/__sw.js", { scope: "/deeper/", updateViaCache: "all" }],
  service_worker_file: ["/worker.js"],
  service_worker_runtime: ["/__runtime.js"],
  service_worker_blob: [blobUrl("1")],
  service_worker_data: [dataUrl("1")],
  service_worker_away: [`${TARGETS.listener}/hostile-worker.js`],
};
for (const [name, values] of Object.entries(registered)) {
  attempt(name, () => navigator.serviceWorker.register(...values));
}
attempt("service_worker_of_clean_window", () => cleanWindow().navigator.serviceWorker.register("/__sw.js?x=2"));
attempt("service_worker_orders", async () => {
  history.pushState(null, "", "/__boot");
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => (port1.onmessage = resolve));
  navigator.serviceWorker.controller.postMessage({ sampan: "prepare", wanted: {}, heal: true }, [port2]);
  const heard = await Promise.race([answer, pause(400)]);
  history.replaceState(null, "", "/index.html");
  return heard ?? refuse("no answer");
});
