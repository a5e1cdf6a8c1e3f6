/** What can be done with a label: what takes back acts at once, what gives more waits for a second person. */

import { App, Checkbox, Form, Input, InputNumber } from "antd";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Choice } from "../../design/Choice";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FormDialog } from "../../design/FormDialog";
import { useText } from "../../i18n";
import { mayRollBackTo, type Release } from "./labels";

type Patch = components["schemas"]["CodePushPatch"];
type Promotion = components["schemas"]["CodePushPromotion"];

export function LabelActions(props: {
  app: string;
  deployment: string;
  of: Release;
  present: Release | undefined;
  others: readonly string[];
}) {
  const { app, deployment, of: release, present, others } = props;
  const { say } = useText();
  const { may } = useSession();
  const { message } = App.useApp();
  const act = useAct();
  const patch = query.useMutation(
    "patch",
    "/codepush/apps/{codepush_app}/deployments/{codepush_deployment}/releases/{label}",
  );
  const promote = query.useMutation(
    "post",
    "/codepush/apps/{codepush_app}/deployments/{codepush_deployment}/releases/{label}/promote",
  );
  const rollBack = query.useMutation(
    "post",
    "/codepush/apps/{codepush_app}/deployments/{codepush_deployment}/rollback",
  );
  if (release.state !== "approved") return null;
  const { label, is_disabled, is_mandatory, app_version, rollout, description } = release;
  const place = { codepush_app: app, codepush_deployment: deployment };
  const params = { path: { ...place, label } };
  const told = (change: string | null) => message.success(say(change ? "codepush.proposed" : "common.saved"));
  return (
    <div className="row">
      {!is_disabled && may("codepush:lower") ? (
        <ConfirmAction
          label={say("codepush.disable")}
          size="small"
          danger
          title={say("codepush.disableTitle", { label })}
          what={say("codepush.disableWhat")}
          done={say("codepush.disableDone")}
          onConfirm={() => act(() => patch.mutateAsync({ params, body: { is_disabled: true } }))}
        />
      ) : null}
      {is_mandatory && !is_disabled && may("codepush:lower") ? (
        <ConfirmAction
          label={say("codepush.optional")}
          size="small"
          title={say("codepush.optionalTitle", { label })}
          what={say("codepush.optionalWhat")}
          onConfirm={() => act(() => patch.mutateAsync({ params, body: { is_mandatory: false } }))}
        />
      ) : null}
      {mayRollBackTo(release, present) && may("codepush:lower") ? (
        <ConfirmAction
          label={say("codepush.rollBack")}
          size="small"
          danger
          title={say("codepush.rollBackTitle", { label })}
          what={say("codepush.rollBackWhat", { label })}
          done={say("codepush.rollBackDone")}
          onConfirm={() => act(() => rollBack.mutateAsync({ params: { path: place }, body: { label } }))}
        />
      ) : null}
      {may("codepush:edit") ? (
        <FormDialog<Patch>
          label={say("codepush.change")}
          size="small"
          title={say("codepush.changeTitle", { label })}
          lead={say("codepush.changeLead")}
          submit={say("codepush.propose")}
          doneText=""
          initial={{ rollout, app_version, is_mandatory, is_disabled, description }}
          onSubmit={(body) => act(() => patch.mutateAsync({ params, body })).then((done) => told(done.waiting_change))}
        >
          <Served least={rollout} />
        </FormDialog>
      ) : null}
      {may("codepush:edit") && others.length > 0 ? (
        <FormDialog<Promotion>
          label={say("codepush.promote")}
          size="small"
          title={say("codepush.promoteTitle", { label })}
          lead={say("codepush.promoteLead")}
          submit={say("codepush.propose")}
          doneText={say("codepush.proposed")}
          initial={{ rollout: 100, app_version, is_mandatory, is_disabled, description }}
          onSubmit={(body) => act(() => promote.mutateAsync({ params, body }))}
        >
          <Form.Item name="into" label={say("codepush.into")} rules={[{ required: true }]}>
            <Choice<string> options={others.map((value) => ({ value, label: value }))} />
          </Form.Item>
          <Served least={1} />
        </FormDialog>
      ) : null}
    </div>
  );
}

/** To whom a label goes, and how. */
function Served({ least }: { least: number }) {
  const { say } = useText();
  return (
    <>
      <Form.Item name="rollout" label={say("codepush.rollout")} rules={[{ required: true }]}>
        <InputNumber<number> min={least} max={100} precision={0} suffix="%" />
      </Form.Item>
      <Form.Item
        name="app_version"
        label={say("codepush.appVersion")}
        extra={say("codepush.appVersionHint")}
        rules={[{ required: true, whitespace: true }]}
      >
        <Input maxLength={100} spellCheck={false} className="mono" />
      </Form.Item>
      <Form.Item name="is_mandatory" valuePropName="checked" style={{ marginBottom: 8 }}>
        <Checkbox>{say("codepush.mandatory")}</Checkbox>
      </Form.Item>
      <Form.Item name="is_disabled" valuePropName="checked">
        <Checkbox>{say("codepush.disabled")}</Checkbox>
      </Form.Item>
      <Form.Item name="description" label={say("codepush.description")}>
        <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} maxLength={10_000} />
      </Form.Item>
    </>
  );
}
