/** Which bank this tab works in. Another than the server's default stands in the path of every request. */

const KEY = "sampan.workspace";
const KNOWN = "sampan.workspaces";
const FORM = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;

/** Returns the chosen workspace, or "" for the server's default. */
export function chosenWorkspace(): string {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? "";
}

/** Keeps the choice for this tab and for the next one; "" is the server's default. */
export function chooseWorkspace(id: string): void {
  sessionStorage.setItem(KEY, id);
  localStorage.setItem(KEY, id);
}

export function isWorkspaceId(text: string): boolean {
  return FORM.test(text);
}

/** Returns the workspaces that somebody signed in to on this machine, the latest first. */
export function knownWorkspaces(): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KNOWN) ?? "[]");
    return Array.isArray(found) ? found.filter((id) => typeof id === "string" && isWorkspaceId(id)) : [];
  } catch {
    return [];
  }
}

export function rememberWorkspace(id: string): void {
  const rest = knownWorkspaces().filter((other) => other !== id);
  localStorage.setItem(KNOWN, JSON.stringify([id, ...rest].slice(0, 8)));
}

/** Returns where the console API of the chosen workspace begins. */
export function apiRoot(): string {
  const id = chosenWorkspace();
  return id === "" ? "/console/api/v1" : `/w/${id}/console/api/v1`;
}
