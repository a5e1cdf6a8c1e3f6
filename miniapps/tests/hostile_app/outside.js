// Everything around the app: the shell, other apps, their storage, the window, the device.
const others = () => Array.from({ length: parent.length }, (_, at) => parent[at]).filter((each) => each !== window);
const sibling = () => others()[0] ?? refuseNothing("there is no other app");
function refuseNothing(why) {
  throw new RangeError(why); // no refusal of the platform's: the test tells these apart by name
}

attempt("parent_document", () => parent.document.title);
attempt("parent_address", () => parent.location.href);
attempt("parent_storage", () => parent.localStorage.length);
attempt("parent_global", () => parent.sampan);
attempt("sibling_document", () => sibling().document.title);
attempt("sibling_storage", () => sibling().localStorage.length);
attempt("sibling_navigation", () => {
  sibling().location = `${TARGETS.listener}/hostile-sibling`;
});
attempt("top_navigation", () => {
  top.location = `${TARGETS.listener}/hostile-top`;
});
attempt("top_replace", () => top.location.replace(`${TARGETS.listener}/hostile-top`));
attempt("top_history", () => top.history.back());
attempt("top_open", () => open(`${TARGETS.listener}/hostile-top`, "_top") ?? refuse("null"));
attempt("popup", () => open(`${TARGETS.listener}/hostile-popup`) ?? refuse("null"));
attempt("document_domain", () => {
  document.domain = "sampan.localhost";
});
attempt("frame_of_shell", () => framed(`${TARGETS.shell}/`, "hostile-no-path"));
attempt("frame_of_boot", () => framed("/__boot", "__boot"));
attempt("frame_of_itself", () => framed("/index.html?hostile-frame", "hostile-frame"));
async function framed(address) {
  const from = blocked.length;
  make("iframe", { src: address });
  await untilBlocked(from, null);
}

attempt("others_local_storage", () => localStorage.getItem("secret") ?? refuse("null"));
attempt("others_databases", async () => {
  const found = await indexedDB.databases();
  return found.some(({ name }) => name === "secret" || name?.startsWith("sampan")) || refuse("not found");
});
attempt("others_caches", async () => (await caches.match("/secret")) ?? refuse("not found"));
attempt("others_shell_cache", async () => (await caches.has("sampan-shell")) || refuse("not found"));
attempt("others_cookies", () => document.cookie.includes("secret") || refuse("not found"));
attempt("others_files", async () => {
  const top = await navigator.storage.getDirectory();
  return top.getFileHandle("secret");
});
attempt("others_broadcasts", async () => {
  const channel = new BroadcastChannel("secret");
  return Promise.race([new Promise((resolve) => (channel.onmessage = resolve)), pause(300).then(() => refuse("silent"))]);
});
attempt("others_locks", async () => {
  const { held } = await navigator.locks.query();
  return held.length > 0 || refuse("none");
});

attempt("confirm", () => confirm("hostile") || refuse("false"));
attempt("prompt", () => prompt("hostile") ?? refuse("null"));
attempt("alert_storm", () => {
  for (let n = 0; n < 50; n++) alert("hostile");
  refuse("nothing shown"); // the test listens for dialogues
});
attempt("print", () => {
  print();
  refuse("nothing shown");
});
attempt("full_screen", () => document.documentElement.requestFullscreen());
attempt("pointer_lock", () => document.documentElement.requestPointerLock());
attempt("download", async () => {
  make("a", { download: "hostile.txt", href: URL.createObjectURL(new Blob(["hostile"])) }).click();
  await pause(200);
  refuse("nothing came"); // the test listens for downloads
});
attempt("notifications", async () => {
  const answer = await Notification.requestPermission();
  return answer === "granted" || refuse(answer);
});
attempt("clipboard", () => navigator.clipboard.readText());
attempt("camera", () => navigator.mediaDevices.getUserMedia({ video: true }));
attempt("location", () => new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject)));
attempt("payment_request", () => {
  const total = { label: "x", amount: { currency: "CNY", value: "1" } };
  return new PaymentRequest([{ supportedMethods: `${TARGETS.listener}/hostile-pay` }], { total }).show();
});
attempt("passkeys", () => navigator.credentials.get({ publicKey: { challenge: new Uint8Array(16) } }));
