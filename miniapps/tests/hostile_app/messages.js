// The bridge: calls above permission, forged messages, floods, and built-in objects bent before the runtime uses them.
const CALLS = {
  user_tier: () => sampan.user.tier(),
  user_profile: () => sampan.user.profile(),
  login: () => sampan.login({ scopes: ["openid", "profile"] }),
  undeclared_domain: () => sampan.network.fetch("https://evil.example/"),
  loopback: () => sampan.network.fetch(`${TARGETS.listener}/hostile-bridge`),
  loopback_https: () => sampan.network.fetch("https://127.0.0.1/"),
  look_alike_domain: () => sampan.network.fetch("https://api.shop.example.evil.example/"),
  domain_in_credentials: () => sampan.network.fetch("https://api.shop.example@evil.example/"),
  other_port: () => sampan.network.fetch("https://api.shop.example:8443/"),
  navigation: () => sampan.navigation.open("bank.demo.coupons"),
  share: () => sampan.share({ title: "x" }),
  clipboard_write: () => sampan.clipboard.write("x"),
  clipboard_read: () => sampan.clipboard.read(),
  scan: () => sampan.scan(),
  camera: () => sampan.camera(),
  location: () => sampan.location(),
  pay: () => sampan.pay({ order: "1", amount: { value_minor: 1, currency: "CNY" }, title: "x" }),
  sign: () => sampan.sign({ order: "1", title: "x", digest: `sha256:${"0".repeat(64)}` }),
  too_long: () => sampan.storage.set("k", "x".repeat(2_000_000)),
  too_deep: () => sampan.storage.set("k", Array.from({ length: 100 }).reduce((inner) => [inner], 1)),
  too_many_values: () => sampan.storage.set("k", Array(30_000).fill(0)),
  no_plain_data: () => sampan.storage.set("k", new Map([[1, 2]])),
  a_function: () => sampan.storage.set("k", () => 1),
};
for (const [name, call] of Object.entries(CALLS)) attempt(`bridge_${name}`, call);

/** The runtime's own port, taken from under it. */
let stolen = null;
const postMessage = MessagePort.prototype.postMessage;
attempt("stolen_port", async () => {
  MessagePort.prototype.postMessage = function (...values) {
    stolen = this;
    return postMessage.apply(this, values);
  };
  await sampan.ui.title("Hostile");
  MessagePort.prototype.postMessage = postMessage;
  refuse(stolen === null ? "not found" : "found"); // it is the app's own; what it is good for, the next ones say
});

let nextId = 900_000;
async function raw(method, args = {}) {
  const id = nextId++;
  const answer = new Promise((resolve) => {
    stolen.addEventListener("message", (event) => event.data.id === id && resolve(event.data));
  });
  postMessage.call(stolen, { id, method, args });
  const found = await Promise.race([answer, pause(PATIENCE_MS)]);
  if (found === undefined) return "no answer";
  return found.ok ? JSON.stringify(found) : refuse(found.error.code);
}
attempt("raw_profile", () => raw("user.profile"));
attempt("raw_constructor", () => raw("constructor"));
attempt("raw_prototype", () => raw("__proto__"));
attempt("raw_to_string", () => raw("toString"));
attempt("raw_arguments_prototype", () => raw("pay", JSON.parse('{"__proto__": {"order": "1"}}')));
attempt("raw_key_prototype", async () => {
  await sampan.storage.set("__proto__", { permissions: ["pay"] });
  return (await sampan.storage.get("permissions")) ?? refuse("nothing");
});
attempt("raw_long_method", () => raw("x".repeat(20_000_000)));
attempt("raw_rubbish", () => {
  for (const value of [null, 1, "x", [], { id: "1" }, { note: "boot" }, { note: "__proto__" }, { ok: true }, { welcome: 1 }]) {
    postMessage.call(stolen, value);
  }
  return raw("user.profile");
});

attempt("bent_objects", async () => {
  const kept = { includes: Array.prototype.includes, has: Set.prototype.has, parse: JSON.parse, test: RegExp.prototype.test };
  Array.prototype.includes = Set.prototype.has = RegExp.prototype.test = () => true;
  JSON.parse = () => ({ bridge: ["user.profile"] });
  Object.assign(Object.prototype, { bridge: ["user.profile"], isPermitted: true, permissions: { bridge: ["user.profile"] } });
  try {
    return await sampan.user.profile();
  } finally {
    Object.assign(Array.prototype, { includes: kept.includes });
    Object.assign(RegExp.prototype, { test: kept.test });
    Set.prototype.has = kept.has;
    JSON.parse = kept.parse;
    for (const name of ["bridge", "isPermitted", "permissions"]) delete Object.prototype[name];
  }
});
attempt("bent_promises", async () => {
  const { then } = Promise.prototype;
  const given = [];
  Promise.prototype.then = function (done, failed) {
    return then.call(this, (value) => (given.push(value), done?.(value)), failed);
  };
  const call = sampan.user.profile();
  Promise.prototype.then = then;
  await call;
  return given;
});
attempt("bent_api", () => {
  "use strict";
  sampan.user.tier = () => "full";
});
attempt("bent_global", () => {
  Object.defineProperty(window, "sampan", { value: {} });
});

attempt("boot_nonce_seen", () => {
  const entries = globalThis.navigation?.entries().map(({ url }) => url) ?? [];
  const seen = [document.referrer, ...entries, ...performance.getEntries().map(({ name }) => name)];
  return seen.find((each) => each.includes("__boot#")) ?? refuse("not found");
});
attempt("forged_hello_of_child", async () => {
  const child = make("iframe", { srcdoc: '<script src="/child.js"></script>' });
  await pause(500);
  child.remove();
  return [...ran].find((each) => each.endsWith("child")) ?? refuse("no port");
});
attempt("forged_boot_hello", () => portFor({ sampan: "boot", nonce: crypto.randomUUID() }));
attempt("forged_hello_version", () => portFor({ ...hello("a"), version: 99 }));
attempt("forged_hello_nonce", () => portFor({ ...hello("a"), nonce: "x".repeat(100) }));
attempt("forged_hello_types", () => portFor({ ...hello("a"), digest: { toString: () => "x" } + 1, sequence: "1" }));
attempt("forged_grant_to_others", async () => {
  const heard = [];
  for (const target of [parent, ...others()]) {
    for (const nonce of ["", "undefined", "child"]) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = (event) => heard.push(event.data);
      target.postMessage({ sampan: "port", nonce }, "*", [port2]);
    }
  }
  await pause(400);
  return heard[0] ?? refuse("nobody took it");
});
attempt("call_flood", async () => {
  const asked = Array.from({ length: 400 }, () => sampan.ui.title("Hostile"));
  const answers = await Promise.allSettled(asked);
  const refused = answers.find(({ status, reason }) => status === "rejected" && reason.code === "too_many_calls");
  return refused === undefined ? "all answered" : refuse(refused.reason.code);
});
attempt("replayed_nonce", async () => {
  const first = await portFor(hello("again"));
  const second = await portFor(hello("again"));
  stolen = first;
  const heard = await raw("ui.title", { title: "x" });
  stolen = second;
  return heard === "no answer" ? raw("user.profile") : heard;
});

function hello(nonce) {
  const { digest, sequence } = document.querySelector("script[data-digest]").dataset;
  return { sampan: "hello", nonce, version: 1, sequence: Number(sequence), digest };
}

/** The port that a message to the shell is answered with. */
async function portFor(message) {
  const granted = new Promise((resolve) => {
    addEventListener("message", (event) => event.ports[0] && resolve(event.ports[0]), { once: true });
  });
  parent.postMessage(message, "*");
  const port = await Promise.race([granted, pause(400)]);
  port?.start();
  return port ?? refuse("no port");
}
