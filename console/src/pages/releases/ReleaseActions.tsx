/** What can be done with a release in its present state, and whom it reaches; the server says which moves there are. */

import { Form } from "antd";
import type { ReactNode } from "react";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import type { ReleaseDetail } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Note } from "../../design/Blocks";
import { Choice } from "../../design/Choice";
import { ConfirmAction } from "../../design/ConfirmAction";
import { useText } from "../../i18n";
import { percent } from "../../rules/ruleWords";
import { appOf } from "./kindNames";
import { useWords } from "./planWords";

type Target = components["schemas"]["TargetOut"];

export function ReleaseActions({ release }: { release: ReleaseDetail }) {
  const { say } = useText();
  const words = useWords();
  const { may } = useSession();
  const act = useAct();
  const affected = useAffected(release.id);
  const submit = query.useMutation("post", "/releases/{release_id}/submit");
  const resume = query.useMutation("post", "/releases/{release_id}/resume");
  const pause = query.useMutation("post", "/releases/{release_id}/pause");
  const complete = query.useMutation("post", "/releases/{release_id}/complete");
  const stop = query.useMutation("post", "/releases/{release_id}/stop");
  const rollBack = query.useMutation("post", "/releases/{release_id}/rollback");
  const moveOn = query.useMutation("post", "/releases/{release_id}/move-on");
  const narrow = query.useMutation("post", "/releases/{release_id}/narrow");
  const params = { path: { release_id: release.id } };
  const thing = { app: appOf(release), ...(release.client_app ? { clientApp: release.client_app } : {}) };
  const has = (move: string, permission: string) => release.moves.includes(move) && may(permission, thing);
  const backTo = query.useQuery(
    "get",
    "/releases/{release_id}/rollback-targets",
    { params },
    { enabled: has("roll_back", "release:stop") },
  );
  const targets = backTo.data?.targets ?? [];
  const here = release.stages[release.stage];
  const further = release.stages[release.stage + 1];
  const before = release.stages[release.stage - 1];
  const between = (to: typeof here) => ({
    from: here ? words.stageName(here) : "",
    fromShare: percent(here?.basis_points ?? 0),
    to: to ? words.stageName(to) : "",
    toShare: percent(to?.basis_points ?? 0),
  });
  const telling = (what: string): ReactNode => (
    <>
      <p>{what}</p>
      {affected ? <p className="strong">{affected}</p> : null}
    </>
  );
  return (
    <>
      {has("stop", "release:stop") ? (
        <ConfirmAction
          label={say("releases.stop")}
          danger
          title={say("releases.stopTitle")}
          what={telling(say("releases.stopWhat"))}
          reason="required"
          reasonField="cause"
          onConfirm={(cause) => act(() => stop.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("roll_back", "release:stop") && targets.length > 0 ? (
        <ConfirmAction
          label={say("releases.roll_back")}
          danger
          title={say("releases.rollbackTitle")}
          what={telling(say("releases.rollbackWhat"))}
          reason="required"
          reasonField="cause"
          initial={{
            to: targets.find(({ sequence }) => sequence === release.rollback_to)?.sequence ?? targets[0]?.sequence,
          }}
          onConfirm={(cause, { to }) => act(() => rollBack.mutateAsync({ params, body: { cause, to: Number(to) } }))}
        >
          <BackTo targets={targets} approved={release.rollback_to} />
        </ConfirmAction>
      ) : null}
      {has("pause", "release:stop") ? (
        <ConfirmAction
          label={say("releases.pause")}
          title={say("releases.pauseTitle")}
          what={telling(say("releases.pauseWhat"))}
          reason="required"
          reasonField="cause"
          onConfirm={(cause) => act(() => pause.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("narrow", "release:stop") && before ? (
        <ConfirmAction
          label={say("releases.narrow")}
          title={say("releases.narrowTitle")}
          what={telling(say("releases.narrowWhat", between(before)))}
          reason="required"
          reasonField="cause"
          onConfirm={(cause) => act(() => narrow.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("complete", "release:submit") ? (
        <ConfirmAction
          label={say("releases.complete")}
          title={say("releases.completeTitle")}
          what={telling(say("releases.completeWhat"))}
          reason="optional"
          reasonField="cause"
          onConfirm={(cause) => act(() => complete.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("move_on", "release:submit") && further ? (
        <ConfirmAction
          label={say("releases.moveOn")}
          type="primary"
          title={say("releases.moveOnTitle")}
          what={telling(say("releases.moveOnWhat", between(further)))}
          reason="optional"
          reasonField="cause"
          onConfirm={(cause) => act(() => moveOn.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("resume", "release:submit") ? (
        <ConfirmAction
          label={say("releases.resume")}
          type="primary"
          title={say("releases.resumeTitle")}
          what={telling(say("releases.resumeWhat"))}
          done={say("releases.proposed")}
          reason="optional"
          reasonField="cause"
          onConfirm={(cause) => act(() => resume.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("submit", "release:submit") ? (
        <ConfirmAction
          label={say("releases.submit")}
          type="primary"
          title={say("releases.submitTitle")}
          what={say("releases.submitWhat")}
          done={say("releases.proposed")}
          reason="optional"
          reasonField="cause"
          onConfirm={(cause) => act(() => submit.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
    </>
  );
}

/** Which version to go back to, and which releases end with this one. */
function BackTo({ targets, approved }: { targets: readonly Target[]; approved: number | null }) {
  const { say } = useText();
  const form = Form.useFormInstance();
  const to = Form.useWatch("to", form);
  const also = targets.find(({ sequence }) => sequence === to)?.also ?? [];
  const label = ({ version, sequence }: Target) =>
    `${sequence === 0 ? say("hotfixes.versionItself") : `${version} (#${sequence})`}${sequence === approved ? ` · ${say("releases.rollbackApproved")}` : ""}`;
  return (
    <>
      <Form.Item name="to" label={say("releases.rollbackTo")} rules={[{ required: true }]}>
        <Choice<number> options={targets.map((each) => ({ value: each.sequence, label: label(each) }))} />
      </Form.Item>
      {also.length > 0 ? (
        <Note tone="warn">
          {say("releases.rollbackAlso", { versions: also.map(({ version }) => version).join(", ") })}
        </Note>
      ) : null}
    </>
  );
}

/** Returns the sentence of how many devices a release has reached so far; null when the reader may not know. */
function useAffected(release: string): string | null {
  const { say } = useText();
  const { may } = useSession();
  const params = { path: { release_id: release } };
  const enabled = may("insight:read");
  const found = query.useQuery("get", "/insight/releases/{release_id}/funnel", { params }, { enabled });
  if (!found.data) return null;
  const { devices, steps } = found.data;
  const installed = steps.find(({ stage }) => stage === "installed")?.devices ?? 0;
  return devices === 0 ? say("releases.affectedNone") : say("releases.affected", { offered: devices, installed });
}
