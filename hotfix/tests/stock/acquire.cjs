// Plays devices with the acquisition part of the npm package that is named first: acquire.cjs PACKAGE SERVER KEY.
// Steps come as JSON on standard input; the last line of standard output is what came of each.
const { readFileSync } = require("node:fs");

const [name, serverUrl, deploymentKey] = process.argv.slice(2);
const { AcquisitionManager } = require(`${name}/script/acquisition-sdk`);
const VERBS = { 0: "GET", 2: "POST" };
const http = {
  request(verb, url, body, callback) {
    const done = typeof body === "function" ? body : callback;
    const content = typeof body === "string" ? { body, headers: { "content-type": "application/json" } } : {};
    fetch(url, { method: VERBS[verb], ...content }).then(
      async (answer) => done(null, { statusCode: answer.status, body: await answer.text() }),
      (problem) => done(problem, null),
    );
  },
};

function play(step) {
  const manager = new AcquisitionManager(http, {
    serverUrl,
    deploymentKey: step.key ?? deploymentKey,
    appVersion: step.appVersion ?? "1.0.0",
    clientUniqueId: step.client ?? "device-1",
    ignoreAppVersion: step.isCompanion ?? false,
  });
  return new Promise((resolve) => {
    const done = (problem, found) => resolve(problem ? { error: problem.message } : { found });
    const running = { appVersion: step.appVersion ?? "1.0.0", packageHash: step.hash, label: step.label };
    if (step.do === "check") manager.queryUpdateWithCurrentPackage(running, done);
    else if (step.do === "download") manager.reportStatusDownload({ label: step.label }, done);
    else manager.reportStatusDeploy(step.label ? running : null, step.status, step.previous, step.previousKey, done);
  });
}

async function main() {
  const found = [];
  for (const step of JSON.parse(readFileSync(0, "utf8"))) found.push(await play(step));
  console.log(JSON.stringify(found));
}

main();
