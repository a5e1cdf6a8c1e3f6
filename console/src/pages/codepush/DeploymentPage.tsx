/** One deployment: its history label by label, with what devices reported, and its keys. */

import { Form, Input } from "antd";
import { Link, useParams } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Note, Panel } from "../../design/Blocks";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, Person, Time } from "../../design/Small";
import { Empty, Loading } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { LabelActions } from "./LabelActions";
import { type Count, type Deployment, presentOf, type Release } from "./labels";
import { LabelState } from "./states";

const MOST = 25;

export default function DeploymentPage() {
  const { say } = useText();
  const { app = "", deployment = "" } = useParams();
  const path = { codepush_app: app };
  const deployments = query.useQuery("get", "/codepush/apps/{codepush_app}/deployments", {
    params: { path, query: { limit: 100 } },
  });
  // The parts come together: one that came late would push the others down.
  const first = useCursor(`${app}/${deployment}`, MOST).page;
  const isLoading = [deployments, useHistory(app, deployment, first), useCounts(app, deployment)].some(
    (found) => found.isLoading,
  );
  const own = deployments.data?.items.find(({ name }) => name === deployment);
  const others = deployments.data?.items.flatMap(({ name }) => (name === deployment ? [] : [name])) ?? [];
  return (
    <PageFrame
      title={deployment}
      crumbs={[
        { title: say("codepush.title"), to: "/codepush" },
        { title: app, to: `/codepush/${app}` },
      ]}
      lead={app}
      actions={own ? <ProposeKey app={app} of={own} /> : null}
    >
      {isLoading ? (
        <Loading lines={8} />
      ) : (
        <div className="stack">
          {own && own.public_key === "" ? <Note tone="warn">{say("codepush.publicKeyNone")}</Note> : null}
          <History app={app} deployment={deployment} others={others} />
          {own ? (
            <Panel title={say("common.details")}>
              <Facts
                one
                items={[
                  { label: say("codepush.key"), value: <CopyId value={own.key} whole /> },
                  {
                    label: say("codepush.fingerprint"),
                    value: own.public_key_fingerprint ? (
                      <CopyId value={own.public_key_fingerprint} whole />
                    ) : (
                      say("codepush.publicKeyNoneShort")
                    ),
                  },
                  { label: say("common.created"), value: <Time ms={own.created_ms} absolute /> },
                ]}
              />
              <p className="small muted" style={{ margin: "12px 0 0" }}>
                {say("codepush.publicKeyHint")}
              </p>
            </Panel>
          ) : null}
        </div>
      )}
    </PageFrame>
  );
}

function useHistory(app: string, deployment: string, page: { limit: number; cursor?: string }) {
  const path = { codepush_app: app, codepush_deployment: deployment };
  const params = { path, query: page };
  return query.useQuery("get", "/codepush/apps/{codepush_app}/deployments/{codepush_deployment}/releases", { params });
}

function useCounts(app: string, deployment: string) {
  const path = { codepush_app: app, codepush_deployment: deployment };
  const params = { path, query: { limit: 200 } };
  return query.useQuery("get", "/codepush/apps/{codepush_app}/deployments/{codepush_deployment}/metrics", { params });
}

function History({ app, deployment, others }: { app: string; deployment: string; others: readonly string[] }) {
  const { say } = useText();
  const { page, tableOf } = useCursor(`${app}/${deployment}`, MOST);
  const found = useHistory(app, deployment, page);
  const counted = useCounts(app, deployment);
  const counts = counted.data?.items ?? [];
  const ofLabel = ({ label }: Release) => counts.find((each) => each.label === label);
  const binaries = counts.filter(({ label, active }) => active > 0 && !/^v\d+$/.test(label));
  const present = presentOf(found.data?.items ?? []);
  const number = (name: "active" | "downloaded" | "installed" | "failed"): Column<Release> => ({
    key: name,
    title: say(`codepush.${name}`),
    right: true,
    render: (row) => (ofLabel(row)?.[name] ?? 0).toLocaleString(),
  });
  const columns: Column<Release>[] = [
    {
      key: "label",
      title: say("codepush.label"),
      render: (row) => (
        <>
          <div className="row">
            <span className="strong num">{row.label}</span>
            <LabelState of={row} />
          </div>
          {row.description ? <div className="wrap">{row.description}</div> : null}
          <div className="sub">
            <From of={row} /> · <Time ms={row.created_ms} />
          </div>
          {row.state === "waiting" && row.change ? (
            <div className="small">
              {say("codepush.waits")}
              <div>
                <Link to={`/changes/${row.change}`}>{say("common.seeChange")}</Link>
              </div>
            </div>
          ) : null}
        </>
      ),
    },
    { key: "for", title: say("codepush.appVersion"), render: (row) => <code>{row.app_version}</code>, nowrap: true },
    { key: "size", title: say("codepush.size"), right: true, nowrap: true, render: (row) => bytes(row.size_bytes) },
    number("active"),
    number("downloaded"),
    number("installed"),
    number("failed"),
    { key: "by", title: say("common.by"), render: (row) => <Person id={row.released_by} />, nowrap: true },
    {
      key: "do",
      title: say("common.actions"),
      render: (row) => <LabelActions app={app} deployment={deployment} of={row} present={present} others={others} />,
    },
  ];
  return (
    <>
      <Panel title={say("codepush.history")} flush>
        <PageTable
          label={say("codepush.history")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.label}
          empty={<Empty title={say("codepush.historyEmpty")} hint={say("codepush.historyEmptyHint")} />}
        />
        <p className="small muted panel-body" style={{ margin: 0 }}>
          {say("codepush.metricsNote")}
        </p>
      </Panel>
      {binaries.length > 0 ? <Binaries rows={binaries} /> : null}
    </>
  );
}

function From({ of: { method, original_label, original_deployment } }: { of: Release }) {
  const { say } = useText();
  const from = [original_deployment, original_label].filter(Boolean).join(" ");
  return say(`codepush.method_${method}`, { from });
}

/** Devices that run what they came with. */
function Binaries({ rows }: { rows: readonly Count[] }) {
  const { say } = useText();
  const columns: Column<Count>[] = [
    { key: "label", title: say("codepush.appVersion"), render: (row) => <code>{row.label}</code> },
    { key: "active", title: say("codepush.active"), right: true, render: (row) => row.active.toLocaleString() },
  ];
  return (
    <Panel title={say("codepush.metrics")} hint={say("codepush.metricsHint")} flush>
      <PageTable label={say("codepush.metrics")} columns={columns} rows={rows} rowKey={(row) => row.label} />
    </Panel>
  );
}

type KeyForm = components["schemas"]["PublicKeyIn"];

function ProposeKey({ app, of: { name } }: { app: string; of: Deployment }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const propose = query.useMutation(
    "put",
    "/codepush/apps/{codepush_app}/deployments/{codepush_deployment}/public-key",
  );
  if (!may("codepush:edit")) return null;
  const params = { path: { codepush_app: app, codepush_deployment: name } };
  return (
    <FormDialog<KeyForm>
      label={say("codepush.proposeKey")}
      title={say("codepush.proposeKey")}
      lead={say("codepush.proposeKeyLead")}
      submit={say("codepush.propose")}
      doneText={say("codepush.proposed")}
      byCode={{ codepush_bad_public_key: ["public_key"] }}
      onSubmit={(body) => act(() => propose.mutateAsync({ params, body }))}
    >
      <Form.Item name="public_key" label={say("codepush.pem")} rules={[{ required: true, whitespace: true }]}>
        <Input.TextArea
          autoSize={{ minRows: 5, maxRows: 14 }}
          className="mono"
          maxLength={10_000}
          placeholder="-----BEGIN PUBLIC KEY-----"
        />
      </Form.Item>
    </FormDialog>
  );
}
