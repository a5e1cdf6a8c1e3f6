/** One frame of an app in all tabs of a shell: a second frame could script the first one's boot page. */

import { problem } from "./problem";

/** Whether a frame of the app is up in any tab. */
export async function isTaken(app: string): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === lockOf(app));
}

/** Take the app for this tab; call the returned function to let go. Throws `app_open_elsewhere`. */
export function takeApp(app: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    void navigator.locks.request(lockOf(app), { ifAvailable: true }, (lock) => {
      if (lock === null) {
        reject(problem("app_open_elsewhere", `${app} is open in another window; close it there first.`));
        return;
      }
      return new Promise<void>((release) => resolve(release));
    });
  });
}

function lockOf(app: string): string {
  return `sampan:open:${app}`;
}
