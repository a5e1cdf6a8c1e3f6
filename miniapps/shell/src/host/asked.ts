import { ServerSaysNo } from "@sampan/sdk";
import { HostProblem } from "../pages/problem";

/** Let what failed be read: the server's sentence under its code. */
export async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (problem) {
    if (!(problem instanceof ServerSaysNo)) throw problem;
    throw new HostProblem(problem.code, problem.message, String(problem.facts.trace_id ?? ""));
  }
}
