/** The reviewer's decision, about the digest that is on the screen and no other. */

import { query } from "../../api/client";
import type { VersionDetail } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { CopyId } from "../../design/Small";
import { useText } from "../../i18n";

export function Decision({ version, name }: { version: VersionDetail; name: string }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const approve = query.useMutation("post", "/apps/{app}/versions/{sequence}/approve");
  const reject = query.useMutation("post", "/apps/{app}/versions/{sequence}/reject");
  const { app, sequence, review_digest: digest } = version;
  if (version.state !== "in_review" || !may("version:review", { app })) return null;
  const path = { params: { path: { app, sequence } } };
  const named = { app: name, version: version.version };
  return (
    <Panel title={say("apps.decision")}>
      <div className="stack">
        <p className="muted">{say("apps.decisionHint")}</p>
        <CopyId value={digest} whole />
        <div className="row">
          <ConfirmAction
            label={say("apps.approve")}
            type="primary"
            title={say("apps.approveTitle", named)}
            what={say("apps.approveWhat")}
            done={say("apps.approved")}
            onConfirm={() => act(() => approve.mutateAsync({ ...path, body: { digest } }))}
          >
            <code className="wrap">{digest}</code>
          </ConfirmAction>
          <ConfirmAction
            label={say("apps.reject")}
            danger
            title={say("apps.rejectTitle", named)}
            what={say("apps.rejectWhat")}
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
