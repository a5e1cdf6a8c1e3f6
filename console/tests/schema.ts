/** What the server takes and answers, read from the generated types: examples of answers, and the fields of bodies. */

import text from "../src/api/schema.d.ts?raw";

type Type =
  | { kind: "fields"; fields: Map<string, Type> }
  | { kind: "list"; of: Type }
  | { kind: "either"; of: Type[] }
  | { kind: "at"; path: string[] }
  | { kind: "literal"; value: unknown }
  | { kind: "word"; word: string };

const NOTHING: Type = { kind: "word", word: "never" };
const bare = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\/\/.*$/gm, "");
const tokens = bare.match(/"(?:[^"\\]|\\.)*"|[A-Za-z_$][\w$]*|-?\d+(?:\.\d+)?|[{}[\]():;?|<>,=&]/g) ?? [];
let at = 0;

const next = () => tokens[at++] ?? "";
const skip = (token: string) => tokens[at] === token && at++ >= 0;

function either(): Type {
  skip("|");
  const of = [list()];
  while (skip("|") || skip("&")) of.push(list());
  return of.length === 1 && of[0] ? of[0] : { kind: "either", of };
}

function list(): Type {
  let found = single();
  while (tokens[at] === "[") {
    at += 1;
    if (skip("]")) found = { kind: "list", of: found };
    else {
      found = found.kind === "at" ? found : { kind: "at", path: [found.kind === "word" ? found.word : ""] };
      if (found.kind === "at") found.path.push(JSON.parse(next()) as string);
      skip("]");
    }
  }
  return found;
}

function single(): Type {
  const token = next();
  if (token === "{") return fields();
  if (token === "(") {
    const found = either();
    skip(")");
    return found;
  }
  if (token.startsWith('"')) return { kind: "literal", value: JSON.parse(token) };
  if (/^-?\d/.test(token)) return { kind: "literal", value: Number(token) };
  if (token === "true" || token === "false") return { kind: "literal", value: token === "true" };
  if (skip("<")) {
    either();
    skip(",");
    either();
    skip(">");
  }
  return { kind: "word", word: token };
}

function fields(): Type {
  const found = new Map<string, Type>();
  while (!skip("}")) {
    const name = next();
    if (name === "[") {
      while (!skip("]")) at += 1;
      skip(":");
      either();
    } else {
      skip("?");
      skip(":");
      found.set(name.startsWith('"') ? (JSON.parse(name) as string) : name, either());
    }
    skip(";");
  }
  return { kind: "fields", fields: found };
}

const roots = new Map<string, Type>();
while (at < tokens.length) {
  if (next() === "interface") {
    const name = next();
    skip("{");
    roots.set(name, fields());
  }
}

function follow(type: Type | undefined): Type {
  if (type?.kind !== "at") return type ?? NOTHING;
  const [root = "", ...rest] = type.path;
  return follow(rest.reduce<Type | undefined>((found, name) => within(found, name), roots.get(root)));
}

function within(type: Type | undefined, ...names: string[]): Type | undefined {
  return names.reduce<Type | undefined>((found, name) => {
    const whole = follow(found);
    return whole.kind === "fields" ? whole.fields.get(name) : undefined;
  }, type);
}

const isWord = (type: Type, word: string) => type.kind === "word" && type.word === word;

/** Returns a value of the type; texts say the name of their field, and whatever may be null is. */
function example(type: Type | undefined, name: string): unknown {
  const whole = follow(type);
  switch (whole.kind) {
    case "fields":
      return Object.fromEntries([...whole.fields].map(([key, of]) => [key, example(of, key)]));
    case "list":
      return [example(whole.of, name)];
    case "either":
      return whole.of.some((one) => isWord(one, "null")) ? null : example(whole.of[0], name);
    case "literal":
      return whole.value;
    case "at":
      return null;
    case "word":
      if (whole.word === "string") return name;
      if (whole.word === "number") return name.endsWith("_ms") ? Date.now() + 86_400_000 : 1;
      if (whole.word === "boolean") return false;
      return whole.word === "Record" || whole.word === "unknown" ? {} : null;
  }
}

/** Returns the paths at which the server may find something wrong with a value of the type. */
function paths(type: Type | undefined, path: string): string[] {
  const whole = follow(type);
  if (whole.kind === "either") {
    const rest = whole.of.filter((one) => !isWord(one, "null"));
    return rest.length === 1 ? paths(rest[0], path) : [path];
  }
  if (whole.kind === "fields" && whole.fields.size > 0)
    return [...whole.fields].flatMap(([name, of]) => paths(of, `${path}.${name}`));
  if (whole.kind === "list") return [path, ...paths(whole.of, `${path}.0`)];
  return [path];
}

/** Returns the operation behind a request; the path is that after the API's root. */
function operation(method: string, path: string): Type | undefined {
  const all = roots.get("paths");
  if (all?.kind !== "fields") return undefined;
  const fits = (template: string) => new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(path);
  const found = [...all.fields.keys()].filter(fits).sort((a, b) => a.split("{").length - b.split("{").length)[0];
  return found === undefined ? undefined : within(all, found, method.toLowerCase());
}

const JSON_TYPE = "application/json";

/** Returns an answer that the server could give. */
export function answerTo(method: string, path: string): unknown {
  const responses = within(operation(method, path), "responses");
  const good = ["200", "201", "202"].map((status) => within(responses, status, "content", JSON_TYPE)).find(Boolean);
  return example(good, "text");
}

/** Returns the fields of a request's body, such as `body.grants.0.role`. */
export function bodyFields(method: string, path: string): string[] {
  const found = paths(within(operation(method, path), "requestBody", "content", JSON_TYPE), "body");
  return found.filter((field) => field !== "body");
}
