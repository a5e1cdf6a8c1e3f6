// Calls the management part of the npm package that is named first: manage.cjs PACKAGE SERVER ACCESS-KEY.
// Steps, [method, ...arguments], come as JSON on standard input; the last line of standard output is what came of each.
const { readFileSync } = require("node:fs");

const [name, serverUrl, accessKey] = process.argv.slice(2);
const AccountManager = require(name);
const manager = new AccountManager(accessKey, {}, serverUrl);

async function main() {
  const found = [];
  for (const [method, ...values] of JSON.parse(readFileSync(0, "utf8"))) {
    try {
      found.push({ ok: (await manager[method](...values)) ?? null });
    } catch (problem) {
      found.push({ error: problem.message, status: problem.statusCode });
    }
  }
  console.log(JSON.stringify(found));
}

main();
