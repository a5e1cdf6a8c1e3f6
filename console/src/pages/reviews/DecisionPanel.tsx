/** The reviewer's decision, about exactly the bytes whose digest is on the screen. */

import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { CopyId } from "../../design/Small";
import { useText } from "../../i18n";

export function DecisionPanel(props: {
  about: "version" | "hotfix";
  /** What the titles say of it. */
  named: Record<string, string | number>;
  digest: string;
  approve: (digest: string) => Promise<unknown>;
  reject: (digest: string, comment: string) => Promise<unknown>;
}) {
  const { say } = useText();
  const act = useAct();
  const { about, named, digest, approve, reject } = props;
  const isVersion = about === "version";
  return (
    <Panel title={say("apps.decision")}>
      <div className="stack">
        <p className="muted">{say(isVersion ? "apps.decisionHint" : "hotfixes.decisionHint")}</p>
        <CopyId value={digest} whole />
        <div className="row">
          <ConfirmAction
            label={say("apps.approve")}
            type="primary"
            title={say(isVersion ? "apps.approveTitle" : "hotfixes.approveTitle", named)}
            what={say(isVersion ? "apps.approveWhat" : "hotfixes.approveWhat")}
            done={say("apps.approved")}
            onConfirm={() => act(() => approve(digest))}
          >
            <code className="wrap">{digest}</code>
          </ConfirmAction>
          <ConfirmAction
            label={say("apps.reject")}
            danger
            title={say(isVersion ? "apps.rejectTitle" : "hotfixes.rejectTitle", named)}
            what={say(isVersion ? "apps.rejectWhat" : "hotfixes.rejectWhat")}
            reason="required"
            reasonField="comment"
            reasonLabel={say("apps.rejectComment")}
            onConfirm={(comment) => act(() => reject(digest, comment))}
          />
        </div>
      </div>
    </Panel>
  );
}
