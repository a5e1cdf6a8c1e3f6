/** Renewals of an app's signed list: another year for what is published, decided by a reviewer like a version. */

import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { CopyId, Person, StateTag, Tag, Time } from "../../design/Small";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { useMayOf } from "./useMayOf";

type Renewal = components["schemas"]["RenewalOut"];

/** States in which a publisher may still take it back. */
const OPEN = ["in_review", "uploaded", "needs_signature"];

export function Renewals({ app }: { app: string }) {
  const { say } = useText();
  const may = useMayOf(app);
  const found = query.useQuery("get", "/apps/{app}/renewals", { params: { path: { app }, query: { limit: 10 } } });
  return (
    <Panel title={say("apps.renewals")}>
      <div className="stack">
        <span className="muted">{say("apps.renewalsLead")}</span>
        {may("version:submit") ? <CopyId value={`sampan publish ${app} --renew --key publisher.pem`} whole /> : null}
        <Fetch of={found} lines={2}>
          {({ items }) => items.map((renewal) => <Line key={renewal.id} app={app} renewal={renewal} />)}
        </Fetch>
      </div>
    </Panel>
  );
}

function Line({ app, renewal }: { app: string; renewal: Renewal }) {
  const { say } = useText();
  const may = useMayOf(app);
  const act = useAct();
  const approve = query.useMutation("post", "/apps/{app}/renewals/{renewal}/approve");
  const reject = query.useMutation("post", "/apps/{app}/renewals/{renewal}/reject");
  const withdraw = query.useMutation("post", "/apps/{app}/renewals/{renewal}/withdraw");
  const path = { params: { path: { app, renewal: renewal.id } } };
  const digest = renewal.review_digest;
  const isArchive = renewal.kind === "archive";
  return (
    <div className="stack tight">
      <div className="row">
        <StateTag state={renewal.state} />
        <Tag tone={isArchive ? "warn" : "neutral"}>{say(isArchive ? "apps.renewalArchive" : "apps.renewalYear")}</Tag>
        <Time ms={renewal.submitted_ms} />
        <Person id={renewal.submitted_by} />
      </div>
      {renewal.state === "in_review" && may("version:review") ? (
        <>
          <CopyId value={digest} whole />
          <div className="row">
            <ConfirmAction
              label={say("apps.approve")}
              type="primary"
              size="small"
              title={say(isArchive ? "apps.archiveApproveTitle" : "apps.renewalApproveTitle", { app })}
              what={say(isArchive ? "apps.archiveApproveWhat" : "apps.renewalApproveWhat")}
              done={say("apps.approved")}
              onConfirm={() => act(() => approve.mutateAsync({ ...path, body: { digest } }))}
            >
              <code className="wrap">{digest}</code>
            </ConfirmAction>
            <ConfirmAction
              label={say("apps.reject")}
              danger
              size="small"
              title={say("apps.renewalRejectTitle", { app })}
              what={say("apps.renewalRejectWhat")}
              reason="required"
              reasonField="comment"
              reasonLabel={say("apps.rejectComment")}
              onConfirm={(comment) => act(() => reject.mutateAsync({ ...path, body: { digest, comment } }))}
            />
          </div>
        </>
      ) : null}
      {OPEN.includes(renewal.state) && may("version:submit") ? (
        <div className="row">
          <ConfirmAction
            label={say("apps.withdraw")}
            size="small"
            title={say("apps.renewalWithdrawTitle")}
            what={say("apps.renewalWithdrawWhat")}
            onConfirm={() => act(() => withdraw.mutateAsync(path))}
          />
        </div>
      ) : null}
    </div>
  );
}
