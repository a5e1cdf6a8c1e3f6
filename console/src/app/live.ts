/** Tells every page to look again when something moved on the server. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { apiRoot } from "../api/workspace";

const QUIET_MS = 400;

/** Keeps the server's event stream open while the frame is shown; returns whether it is. */
export function useLive(): boolean {
  const client = useQueryClient();
  const [isOn, setOn] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stream = new EventSource(`${apiRoot()}/live`);
    const moved = () => {
      clearTimeout(timer);
      timer = setTimeout(() => client.invalidateQueries(), QUIET_MS);
    };
    stream.onopen = () => setOn(true);
    stream.onerror = () => setOn(false);
    stream.onmessage = moved;
    for (const kind of ["revision", "notice", "change", "version", "release"]) stream.addEventListener(kind, moved);
    return () => {
      clearTimeout(timer);
      stream.close();
    };
  }, [client]);
  return isOn;
}
