/** A new release: which version, for which tiers, how it arrives, and where to go back to. */

import { Form, Radio } from "antd";
import { useNavigate, useSearchParams } from "react-router";
import { query } from "../../api/client";
import { TIERS, type Tier } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Note, Panel } from "../../design/Blocks";
import { Checks } from "../../design/Checks";
import { Choice } from "../../design/Choice";
import { PageFrame } from "../../design/PageFrame";
import { ProblemForm } from "../../design/ProblemForm";
import { useText } from "../../i18n";
import { AppChoice } from "../apps/AppChoice";
import { ruleOf } from "./rules";

type Values = {
  id: string;
  sequence: number;
  tiers: Tier[];
  client_app?: string | null;
  update_mode: string;
  rollback_to?: number | null;
};

export default function NewRelease() {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [form] = Form.useForm<Values>();
  const app = Form.useWatch("id", form) ?? params.get("app") ?? "";
  const sequence = Form.useWatch("sequence", form) ?? (Number(params.get("sequence")) || undefined);
  const clientApps = query.useQuery(
    "get",
    "/client-apps",
    { params: { query: { limit: 200 } } },
    { enabled: may("client_app:read") },
  );
  const versions = query.useQuery(
    "get",
    "/apps/{app}/versions",
    { params: { path: { app }, query: { state: ["published"], limit: 100 } } },
    { enabled: app !== "" },
  );
  const create = query.useMutation("post", "/releases");
  const published = versions.data?.items ?? [];
  const label = (item: { version: string; sequence: number }) => `${item.version} (#${item.sequence})`;
  return (
    <PageFrame
      title={say("releases.create")}
      crumbs={[{ title: say("releases.title"), to: "/releases" }]}
      lead={say("releases.createLead")}
    >
      <div style={{ maxWidth: 720 }}>
        <Panel>
          <ProblemForm<Values>
            form={form}
            submit={say("releases.saveDraft")}
            doneText=""
            initial={{
              ...(params.get("app") ? { id: params.get("app") ?? "" } : {}),
              ...(params.get("sequence") ? { sequence: Number(params.get("sequence")) } : {}),
              tiers: [...TIERS],
              update_mode: "async",
            }}
            byCode={{
              not_releasable: ["sequence"],
              version_unknown: ["sequence"],
              bad_rollback_target: ["rollback_to"],
              bad_update_mode: ["update_mode"],
              bad_rule: ["tiers"],
              client_app_unknown: ["client_app"],
            }}
            rename={(path) => (path[0] === "audience" ? ["tiers"] : path)}
            onCancel={() => navigate(-1)}
            onSubmit={async ({ tiers, ...rest }) => {
              const made = await act(() =>
                create.mutateAsync({
                  body: {
                    kind: "miniapp",
                    ...rest,
                    client_app: rest.client_app ?? null,
                    rollback_to: rest.rollback_to ?? null,
                    audience: ruleOf(tiers),
                  },
                }),
              );
              navigate(`/releases/${made.id}`);
            }}
          >
            <Form.Item name="id" label={say("releases.deliverable")} rules={[{ required: true }]}>
              <AppChoice onChange={() => form.resetFields(["sequence", "rollback_to"])} />
            </Form.Item>
            {app !== "" && versions.data && published.length === 0 ? (
              <div style={{ marginBottom: 18 }}>
                <Note tone="warn">{say("releases.noVersions")}</Note>
              </div>
            ) : null}
            <Form.Item name="sequence" label={say("common.version")} rules={[{ required: true }]}>
              <Choice<number>
                disabled={app === ""}
                options={published.map((item) => ({ value: item.sequence, label: label(item) }))}
              />
            </Form.Item>
            <Form.Item
              name="tiers"
              label={say("releases.audience")}
              extra={say("releases.audienceHint")}
              rules={[{ required: true }]}
            >
              <Checks
                label={say("releases.audience")}
                options={TIERS.map((tier) => ({ value: tier, label: say(`tiers.${tier}`) }))}
              />
            </Form.Item>
            <Form.Item name="client_app" label={say("releases.clientApp")}>
              <Choice<string>
                allowClear
                placeholder={say("releases.everyClientApp")}
                options={clientApps.data?.items.map((item) => ({ value: item.id, label: item.name })) ?? []}
              />
            </Form.Item>
            <Form.Item name="update_mode" label={say("releases.updateMode")} rules={[{ required: true }]}>
              <Radio.Group
                vertical
                options={[
                  { value: "async", label: say("releases.async") },
                  { value: "sync", label: say("releases.sync") },
                ]}
              />
            </Form.Item>
            <Form.Item name="rollback_to" label={say("releases.rollbackTo")} extra={say("releases.rollbackHint")}>
              <Choice<number>
                allowClear
                placeholder={say("releases.noRollback")}
                options={published
                  .filter((item) => sequence !== undefined && item.sequence < sequence)
                  .map((item) => ({ value: item.sequence, label: label(item) }))}
              />
            </Form.Item>
          </ProblemForm>
        </Panel>
      </div>
    </PageFrame>
  );
}
