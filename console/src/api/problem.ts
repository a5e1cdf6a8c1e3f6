/** RFC 9457 problems as the server sends them, and what the console makes of them. Pure: knows no page. */

export type FieldProblem = { field: string; message: string; code: string };

type ProblemBody = {
  code?: unknown;
  title?: unknown;
  detail?: unknown;
  trace_id?: unknown;
  errors?: unknown;
  retry_after_seconds?: unknown;
  at?: unknown;
};

/** One refusal of the server. `code` is stable, `detail` tells the reader what to do, `traceId` finds the log line. */
export class Problem extends Error {
  override readonly name = "Problem";
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly traceId = "",
    readonly errors: readonly FieldProblem[] = [],
    readonly retryAfterSeconds: number | undefined = undefined,
    /** Where within the field, such as `rule.all[0].values[1]` of an audience. */
    readonly at = "",
  ) {
    super(detail);
  }

  /** Whether the session is over, or never began. */
  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

/** The codes of problems that no server sent. */
export const UNREACHABLE = "unreachable";
export const UNREADABLE = "answer_unreadable";

/** Returns the problem in an answer that is not a success; anything but problem+json becomes `answer_unreadable`. */
export async function problemOf(response: Response): Promise<Problem> {
  let body: ProblemBody;
  try {
    body = (await response.json()) as ProblemBody;
  } catch {
    return new Problem(response.status, UNREADABLE, `The server answered ${response.status} without saying why.`);
  }
  return new Problem(
    response.status,
    text(body.code) || UNREADABLE,
    text(body.detail) || text(body.title) || `The server answered ${response.status}.`,
    text(body.trace_id),
    fieldProblems(body.errors),
    typeof body.retry_after_seconds === "number" ? body.retry_after_seconds : undefined,
    text(body.at),
  );
}

/** Returns any thrown thing as a problem, so that every page shows it in one way. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem(0, UNREACHABLE, thrown instanceof Error ? thrown.message : String(thrown));
}

/**
 * Returns where in a form a problem stands: `body.grants.0.role` and `body.grants[0].role` are `["grants", 0, "role"]`,
 * `path.name` is `["name"]`.
 */
export function fieldPath(field: string): (string | number)[] | null {
  const [place, ...rest] = field.replace(/\[(\d+)\]/g, ".$1").split(".");
  if ((place !== "body" && place !== "path") || rest.length === 0) return null;
  return rest.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

function fieldProblems(errors: unknown): FieldProblem[] {
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((item: unknown) => {
    if (typeof item !== "object" || item === null) return [];
    const { field, message, code } = item as Record<string, unknown>;
    return [{ field: text(field), message: text(message), code: text(code) }];
  });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
