/** One file of a version, line by line against the one before. */

import { query } from "../../api/client";
import type { VersionDetail } from "../../api/types";
import { Fetch } from "../../design/States";
import { TextDiff } from "./TextDiff";

export function FileDiff({ version, path }: { version: VersionDetail; path: string }) {
  const found = query.useQuery("get", "/apps/{app}/versions/{sequence}/diff", {
    params: { path: { app: version.app, sequence: version.sequence }, query: { path } },
  });
  return (
    <Fetch of={found} lines={8}>
      {(diff) => <TextDiff diff={diff} />}
    </Fetch>
  );
}
