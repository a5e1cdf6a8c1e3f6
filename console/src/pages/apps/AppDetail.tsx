/** One mini-app: its versions, where they are, its testers and how it stands in the catalogue. */

import { RocketOutlined } from "@ant-design/icons";
import { Button, Form, Input, Tabs } from "antd";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { query } from "../../api/client";
import type { Version } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Panel } from "../../design/Blocks";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, Pager, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, StateTag, Tag, TierTag, Time } from "../../design/Small";
import { Empty, Fetch, Loading } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { useLiveHotfixes } from "../hotfixes/Hotfixes";
import { AppErrors, AppHealth } from "../insight/AppHealth";
import { Deltas } from "./Deltas";
import { Held } from "./Held";
import { useAppNames } from "./names";
import { Renewals } from "./Renewals";
import { Submit } from "./Submit";

const TABS = ["versions", "health", "deltas"];

export default function AppDetail() {
  const { say } = useText();
  const { app = "" } = useParams();
  const { may } = useSession();
  const navigate = useNavigate();
  const [search, setSearch] = useSearchParams();
  const names = useAppNames();
  const found = query.useQuery("get", "/apps/{app}", { params: { path: { app } } });
  const publishers = query.useQuery("get", "/publishers");
  const name = names(app) || app;
  return (
    <PageFrame
      title={name}
      crumbs={[{ title: say("frame.apps"), to: "/apps" }]}
      tags={found.data ? <StateTag state={found.data.archived_ms ? "archived" : "active"} /> : null}
      lead={name === app ? null : app}
      actions={
        <>
          {may("version:submit") ? <Submit app={app} /> : null}
          {may("release:create") ? (
            <Button
              type="primary"
              icon={<RocketOutlined />}
              onClick={() => navigate(`/releases/new?kind=${found.data?.kind ?? "miniapp"}&app=${app}`)}
            >
              {say("apps.newRelease")}
            </Button>
          ) : null}
        </>
      }
    >
      <Fetch of={found}>
        {(item) => (
          <div className="columns">
            <div className="stack">
              {may("insight:read") ? (
                <Tabs
                  activeKey={TABS.find((tab) => tab === search.get("tab")) ?? "versions"}
                  onChange={(tab) => setSearch(tab === "versions" ? {} : { tab }, { replace: true })}
                  destroyOnHidden
                  items={[
                    {
                      key: "versions",
                      label: say("apps.versions"),
                      children: (
                        <Panel flush>
                          <Versions app={app} />
                        </Panel>
                      ),
                    },
                    {
                      key: "health",
                      label: say("apps.health"),
                      children: (
                        <div className="stack">
                          <AppHealth app={app} />
                          <AppErrors app={app} />
                        </div>
                      ),
                    },
                    { key: "deltas", label: say("apps.deltas"), children: <Deltas app={app} /> },
                  ]}
                />
              ) : (
                <Panel title={say("apps.versions")} flush>
                  <Versions app={app} />
                </Panel>
              )}
            </div>
            <div className="stack">
              <Panel title={say("common.details")}>
                <Facts
                  one
                  items={[
                    {
                      label: say("apps.publisher"),
                      value: publishers.data?.items.find((one) => one.id === item.publisher)?.name ?? (
                        <CopyId value={item.publisher} />
                      ),
                    },
                    { label: say("apps.registered"), value: <Time ms={item.created_ms} absolute /> },
                  ]}
                />
              </Panel>
              {may("catalogue:read", {}) ? <CatalogueEntry app={app} /> : null}
              {may("insight:read") ? <Held app={app} /> : null}
              <Testers app={app} />
              <Renewals app={app} />
            </div>
          </div>
        )}
      </Fetch>
    </PageFrame>
  );
}

function Versions({ app }: { app: string }) {
  const { say } = useText();
  const { page, tableOf } = useCursor(app);
  const found = query.useQuery("get", "/apps/{app}/versions", {
    params: { path: { app }, query: { ...page } },
  });
  const table = tableOf(found);
  const { counts, isLoading } = useLiveHotfixes(table.rows ?? []);
  const columns: Column<Version>[] = [
    {
      key: "version",
      title: say("common.version"),
      render: (row) => (
        <>
          <Link className="strong num" to={`/apps/${app}/versions/${row.sequence}`}>
            {row.version}
          </Link>{" "}
          <span className="sub num">#{row.sequence}</span>
        </>
      ),
    },
    {
      key: "state",
      title: say("common.state"),
      render: (row) => (
        <span className="row">
          <StateTag state={row.state} />
          {row.urgent ? <Tag tone="warn">{say("apps.urgent")}</Tag> : null}
          {counts.get(row.sequence) ? (
            <Tag tone="info">{say("hotfixes.liveN", { n: counts.get(row.sequence) ?? 0 })}</Tag>
          ) : null}
        </span>
      ),
    },
    { key: "size", title: say("apps.size"), right: true, render: (row) => bytes(row.size_bytes), nowrap: true },
    { key: "files", title: say("apps.files"), right: true, render: (row) => row.files },
    { key: "at", title: say("apps.submitted"), render: (row) => <Time ms={row.submitted_ms} />, nowrap: true },
  ];
  return (
    <PageTable
      label={say("apps.versions")}
      columns={columns}
      {...table}
      rows={isLoading ? undefined : table.rows}
      rowKey={(row) => String(row.sequence)}
      href={(row) => `/apps/${app}/versions/${row.sequence}`}
      empty={
        <Empty
          title={say("apps.versionsEmpty")}
          hint={
            <>
              {say("apps.versionsEmptyHint")} <code>sampan publish</code>
            </>
          }
        />
      }
    />
  );
}

function CatalogueEntry({ app }: { app: string }) {
  const { say } = useText();
  const found = query.useQuery("get", "/catalogue");
  const entry = found.data?.items.find((item) => item.app === app);
  if (found.isPending)
    return (
      <Panel title={say("apps.catalogue")}>
        <Loading lines={4} />
      </Panel>
    );
  if (!entry) return null;
  return (
    <Panel title={say("apps.catalogue")} extra={<Link to="/catalogue">{say("common.seeAll")}</Link>}>
      <Facts
        one
        items={[
          { label: say("catalogue.listed"), value: entry.listed ? say("common.yes") : say("common.no") },
          { label: say("catalogue.seeTier"), value: <TierTag tier={entry.see_tier} /> },
          { label: say("catalogue.openTier"), value: <TierTag tier={entry.open_tier} /> },
        ]}
      />
    </Panel>
  );
}

type TestersForm = { devices: string; customers: string };

function Testers({ app }: { app: string }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { page, pagesOf } = useCursor(app);
  const found = query.useQuery("get", "/apps/{app}/testers", { params: { path: { app }, query: page } });
  const change = query.useMutation("patch", "/apps/{app}/testers");
  const of = (kind: string) => found.data?.items.filter((item) => item.kind === kind).map((item) => item.id) ?? [];
  return (
    <Panel
      title={say("apps.testers")}
      extra={
        may("trial:manage", { app }) && found.data ? (
          <FormDialog<TestersForm>
            label={say("common.edit")}
            size="small"
            title={say("apps.testersEdit")}
            lead={say("apps.testersHint")}
            submit={say("common.save")}
            initial={{ devices: of("device").join("\n"), customers: of("customer").join("\n") }}
            rename={(path) => path.slice(1, 2)}
            onSubmit={(values, began) =>
              act(() =>
                change.mutateAsync({
                  params: { path: { app } },
                  body: { add: beyond(values, began), remove: beyond(began, values) },
                }),
              )
            }
          >
            <Form.Item name="devices" label={say("apps.testerDevices")} extra={say("apps.onePerLine")}>
              <Input.TextArea autoSize={{ minRows: 3, maxRows: 8 }} className="mono" />
            </Form.Item>
            <Form.Item name="customers" label={say("apps.testerCustomers")} extra={say("apps.onePerLine")}>
              <Input.TextArea autoSize={{ minRows: 3, maxRows: 8 }} className="mono" />
            </Form.Item>
          </FormDialog>
        ) : null
      }
    >
      {found.data?.items.length ? (
        <div className="stack tight">
          {found.data.items.map((item) => (
            <CopyId key={item.id} value={item.id} />
          ))}
          <Pager pages={pagesOf(found.data)} shown={found.data.items.length} />
        </div>
      ) : (
        <span className="muted">{say("apps.testersEmpty")}</span>
      )}
    </Panel>
  );
}

/** Whom one form names beyond another: a list of testers may be longer than what is shown of it. */
function beyond(one: Partial<TestersForm>, other: Partial<TestersForm>) {
  const more = (name: keyof TestersForm) => {
    const there = new Set(lines(other[name]));
    return lines(one[name]).filter((id) => !there.has(id));
  };
  return { devices: more("devices"), customers: more("customers") };
}

function lines(text: string | undefined): string[] {
  return (text ?? "").split(/\s+/).filter(Boolean);
}
