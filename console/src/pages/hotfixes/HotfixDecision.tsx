import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { DecisionPanel } from "../reviews/DecisionPanel";
import type { HotfixDetail } from "./words";

export function HotfixDecision({ of: hotfix, named }: { of: HotfixDetail; named: Record<string, string> }) {
  const { may } = useSession();
  const approve = query.useMutation("post", "/apps/{app}/versions/{sequence}/hotfixes/{n}/approve");
  const reject = query.useMutation("post", "/apps/{app}/versions/{sequence}/hotfixes/{n}/reject");
  const { app, sequence, n } = hotfix;
  if (hotfix.state !== "in_review" || !may("version:review", { app })) return null;
  const path = { params: { path: { app, sequence, n } } };
  return (
    <DecisionPanel
      about="hotfix"
      named={{ ...named, n }}
      digest={hotfix.review_digest}
      approve={(digest) => approve.mutateAsync({ ...path, body: { digest } })}
      reject={(digest, comment) => reject.mutateAsync({ ...path, body: { digest, comment } })}
    />
  );
}
