import { query } from "../../api/client";
import type { VersionDetail } from "../../api/types";
import { useSession } from "../../app/session";
import { DecisionPanel } from "../reviews/DecisionPanel";

export function VersionDecision({ version, name }: { version: VersionDetail; name: string }) {
  const { may } = useSession();
  const approve = query.useMutation("post", "/apps/{app}/versions/{sequence}/approve");
  const reject = query.useMutation("post", "/apps/{app}/versions/{sequence}/reject");
  const { app, sequence } = version;
  if (version.state !== "in_review" || !may("version:review", { app })) return null;
  const path = { params: { path: { app, sequence } } };
  return (
    <DecisionPanel
      about="version"
      named={{ app: name, version: version.version }}
      digest={version.review_digest}
      approve={(digest) => approve.mutateAsync({ ...path, body: { digest } })}
      reject={(digest, comment) => reject.mutateAsync({ ...path, body: { digest, comment } })}
    />
  );
}
