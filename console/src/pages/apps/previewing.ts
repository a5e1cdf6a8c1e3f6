/** One preview session as a page uses it: begun at the server, filled with the version's bytes, and closed in time. */

import { Preview, type PreviewBytes, type PreviewEvents, type PreviewView } from "@sampan/sdk/preview";
import { api, guardedFetch } from "../../api/client";
import type { components } from "../../api/schema";

export type Session = components["schemas"]["PreviewOut"];

export async function beginSession(app: string, sequence: number): Promise<Session> {
  const { data } = await api.POST("/apps/{app}/versions/{sequence}/preview", { params: { path: { app, sequence } } });
  if (data === undefined) throw new Error("The server began no preview.");
  return data;
}

/** Show a session's version in `mount`. Rejects with a problem; whatever was made stands in the returned value first. */
export function showSession(
  session: Session,
  mount: HTMLElement,
  title: string,
  view: PreviewView,
  events: PreviewEvents,
): { preview: Preview; ready: Promise<void> } {
  const { origin, boot, packages } = session;
  const preview = new Preview({ origin, boot, packages }, mount, title, view, events);
  const ready = Promise.all(packages.map(bytesOf)).then((found) => preview.start(found));
  return { preview, ready };
}

async function bytesOf({ index, package: archive }: Session["packages"][number]): Promise<PreviewBytes> {
  const [one, other] = await Promise.all([fetched(index), fetched(archive)]);
  return { index: new Uint8Array(await one.arrayBuffer()), archive: await other.blob() };
}

function fetched(path: string): Promise<Response> {
  return guardedFetch(new Request(new URL(path, location.origin)));
}
