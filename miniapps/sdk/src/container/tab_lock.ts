/** One frame of an app in all tabs of a shell: a second frame could script the first one's boot page. */

import { problem } from "./problem";

const LOCK = "sampan:open:";

/** The apps of which a frame is up, in whichever tab. */
export async function takenApps(): Promise<string[]> {
  const { held = [] } = await navigator.locks.query();
  return held.flatMap(({ name }) => (name?.startsWith(LOCK) ? [name.slice(LOCK.length)] : []));
}

/** Take the app for this tab; call the returned function to let go. Throws `app_open_elsewhere`. */
export function takeApp(app: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    void navigator.locks.request(LOCK + app, { ifAvailable: true }, (lock) => {
      if (lock === null) {
        reject(problem("app_open_elsewhere", `${app} is open in another window; close it there first.`));
        return;
      }
      return new Promise<void>((release) => resolve(release));
    });
  });
}
