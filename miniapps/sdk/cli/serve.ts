/**
 * One request a line on standard input, one answer a line on standard output, so that a test pays for one process:
 * `{"verb": "device.sync", "args": [...]}` is answered by `{"value": ...}` or `{"code": ..., "message": ...}`.
 */

import { createInterface } from "node:readline";
import * as delta from "./delta";
import * as device from "./device";
import * as phone from "./phone";
import * as rules from "./rules";

type Verb = (...args: never[]) => unknown;

const VERBS: Readonly<Record<string, Readonly<Record<string, Verb>>>> = { delta, device, phone, rules };

export async function serve(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(line)));
  }
}

async function answer(line: string): Promise<unknown> {
  try {
    const { verb, args } = JSON.parse(line) as { verb: string; args: never[] };
    const [group = "", name = ""] = verb.split(".");
    const act = VERBS[group]?.[name];
    if (act === undefined) throw new Error(`There is no verb ${verb}.`);
    return { value: (await act(...args)) ?? null };
  } catch (problem) {
    return told(problem);
  }
}

/** A refusal by its code; anything else is a mistake of ours and shows where. */
export function told(problem: unknown): { code: string; message: string } {
  const { code, message, stack } = problem as Error & { code?: unknown };
  return typeof code === "string" ? { code, message } : { code: "crashed", message: stack ?? String(problem) };
}
