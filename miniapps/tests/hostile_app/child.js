// Runs in a frame of the app's own inside its page: asks the shell for a port as if it were the app.
const shell = parent.parent;
addEventListener("message", (event) => event.ports[0] && parent.hostileRan(`${event.data?.sampan} given to a child`));
const { digest, sequence } = parent.document.querySelector("script[data-digest]").dataset;
shell.postMessage({ sampan: "hello", nonce: "child", version: 1, sequence: Number(sequence), digest }, "*");
shell.postMessage({ sampan: "boot", nonce: "child" }, "*");
