/** The reviewer's decision about a hotfix: exactly the bytes whose digest is on the screen. */

import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { CopyId } from "../../design/Small";
import { useText } from "../../i18n";
import type { HotfixDetail } from "./words";

export function HotfixDecision({ of: hotfix, named }: { of: HotfixDetail; named: Record<string, string> }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const approve = query.useMutation("post", "/apps/{app}/versions/{sequence}/hotfixes/{n}/approve");
  const reject = query.useMutation("post", "/apps/{app}/versions/{sequence}/hotfixes/{n}/reject");
  const { app, sequence, n, review_digest: digest } = hotfix;
  if (hotfix.state !== "in_review" || !may("version:review", { app })) return null;
  const path = { params: { path: { app, sequence, n } } };
  const about = { ...named, n };
  return (
    <Panel title={say("apps.decision")}>
      <div className="stack">
        <p className="muted">{say("hotfixes.decisionHint")}</p>
        <CopyId value={digest} whole />
        <div className="row">
          <ConfirmAction
            label={say("apps.approve")}
            type="primary"
            title={say("hotfixes.approveTitle", about)}
            what={say("hotfixes.approveWhat")}
            done={say("apps.approved")}
            onConfirm={() => act(() => approve.mutateAsync({ ...path, body: { digest } }))}
          >
            <code className="wrap">{digest}</code>
          </ConfirmAction>
          <ConfirmAction
            label={say("apps.reject")}
            danger
            title={say("hotfixes.rejectTitle", about)}
            what={say("hotfixes.rejectWhat")}
            reason="required"
            reasonField="comment"
            reasonLabel={say("apps.rejectComment")}
            onConfirm={(comment) => act(() => reject.mutateAsync({ ...path, body: { digest, comment } }))}
          />
        </div>
      </div>
    </Panel>
  );
}
