/** What stands behind each method, as one table; the container fills it from its ports. */

import { METHOD_NAMES } from "./arguments";
import type { ArgsOf, MethodName, ResultOf } from "./protocol";

export type Methods = { readonly [M in MethodName]: (args: ArgsOf<M>) => Promise<ResultOf<M>> };

export function isMethod(name: string): name is MethodName {
  return (METHOD_NAMES as readonly string[]).includes(name);
}
