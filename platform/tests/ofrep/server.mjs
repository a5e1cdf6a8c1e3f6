// The stock node provider (@openfeature/ofrep-provider, unmodified) as a black box.
//
//   node server.mjs BASE_URL TOKEN QUESTIONS
//
// QUESTIONS is a JSON list of {type, key, default, context}. Prints a JSON list of the SDK's own evaluation details.

import { OpenFeature } from "@openfeature/server-sdk";
import { OFREPProvider } from "@openfeature/ofrep-provider";

const [baseUrl, token, questions] = process.argv.slice(2);
const headers = [["Authorization", `Bearer ${token}`]];
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl, headers }));
const client = OpenFeature.getClient();
const ask = {
  boolean: (q) => client.getBooleanDetails(q.key, q.default, q.context),
  string: (q) => client.getStringDetails(q.key, q.default, q.context),
  number: (q) => client.getNumberDetails(q.key, q.default, q.context),
  object: (q) => client.getObjectDetails(q.key, q.default, q.context),
};
const answers = [];
for (const question of JSON.parse(questions)) answers.push(await ask[question.type](question));
console.log(JSON.stringify(answers));
