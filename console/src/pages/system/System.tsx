/** How the platform is doing: workers, jobs, storage, settings in force. */

import { Tabs } from "antd";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel, Tile } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor, useLocalPages } from "../../design/pages";
import { Tag, Time } from "../../design/Small";
import { Empty, Fetch } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { Health } from "./Health";

type Schemas = components["schemas"];
type Worker = Schemas["WorkerView"];
type Job = Schemas["JobView"];
type Setting = Schemas["SettingView"];

export default function System() {
  const { say } = useText();
  const found = query.useQuery("get", "/system", {}, { refetchInterval: 15_000 });
  return (
    <PageFrame title={say("system.title")} lead={say("system.lead")}>
      <Fetch of={found}>
        {(system) => (
          <>
            <div className="tiles">
              <Tile label={say("system.revision")} value={system.revision} tone="info" />
              <Tile
                label={say("system.jobs")}
                value={(system.jobs.waiting ?? 0) + (system.jobs.running ?? 0)}
                under={`${system.jobs.failed ?? 0} ${say("system.jobFailed")}`}
                tone={system.jobs.failed ? "bad" : "good"}
              />
              <Tile
                label={say("system.free")}
                value={bytes(system.storage.free_bytes)}
                under={`${Math.round((100 * system.storage.free_bytes) / system.storage.total_bytes)} %`}
                tone={system.storage.free_bytes < system.storage.total_bytes * 0.1 ? "warn" : "good"}
              />
              <Tile label={say("system.database")} value={bytes(system.storage.database_bytes)} tone="info" />
            </div>
            <Health items={system.health} />
            <Tabs
              items={[
                { key: "workers", label: say("system.workers"), children: <Workers workers={system.workers} /> },
                { key: "jobs", label: say("system.jobs"), children: <Jobs /> },
                { key: "settings", label: say("system.settings"), children: <Settings /> },
              ]}
            />
          </>
        )}
      </Fetch>
    </PageFrame>
  );
}

function Workers({ workers }: { workers: readonly Worker[] }) {
  const { say } = useText();
  const { rows, pages } = useLocalPages(workers, null);
  const columns: Column<Worker>[] = [
    { key: "pid", title: say("system.process"), render: (row) => <span className="strong num">{row.pid}</span> },
    { key: "revision", title: say("system.revision"), render: (row) => <span className="num">{row.revision}</span> },
    { key: "age", title: say("system.freshness"), render: (row) => say("system.ms", { n: row.poll_age_ms }) },
    {
      key: "failed",
      title: say("system.failedParts"),
      render: (row) =>
        row.failed_parts.length === 0 ? <Tag tone="good">{say("common.none")}</Tag> : row.failed_parts.join(", "),
    },
  ];
  return (
    <Panel flush>
      <PageTable
        label={say("system.workers")}
        columns={columns}
        rows={rows}
        rowKey={(row) => String(row.pid)}
        pages={pages}
      />
    </Panel>
  );
}

const JOB = { waiting: "system.jobWaiting", running: "system.jobRunning", failed: "system.jobFailed" } as const;

function Jobs() {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { page, tableOf } = useCursor(null);
  const found = query.useQuery("get", "/system/jobs", {
    params: { query: { ...page } },
  });
  const retry = query.useMutation("post", "/system/jobs/{job_id}/retry");
  const columns: Column<Job>[] = [
    { key: "kind", title: say("system.kind"), render: (row) => <code className="strong">{row.kind}</code> },
    {
      key: "state",
      title: say("common.state"),
      render: (row) => (
        <Tag tone={row.state === "failed" ? "bad" : row.state === "running" ? "info" : "neutral"}>
          {say(JOB[row.state])}
        </Tag>
      ),
      nowrap: true,
    },
    { key: "attempts", title: say("system.attempts"), right: true, render: (row) => row.attempts },
    { key: "error", title: say("system.lastError"), render: (row) => row.last_error },
    { key: "next", title: say("system.nextTry"), render: (row) => <Time ms={row.run_at_ms} />, nowrap: true },
    {
      key: "do",
      title: say("common.actions"),
      render: (row) =>
        row.state === "failed" && may("system:manage") ? (
          <ConfirmAction
            label={say("system.retry")}
            size="small"
            title={say("system.retry")}
            what={row.kind}
            onConfirm={() => act(() => retry.mutateAsync({ params: { path: { job_id: row.id } } }))}
          />
        ) : null,
    },
  ];
  return (
    <Panel flush>
      <PageTable
        label={say("system.jobs")}
        columns={columns}
        {...tableOf(found)}
        rowKey={(row) => row.id}
        empty={<Empty title={say("system.jobsEmpty")} />}
      />
    </Panel>
  );
}

function Settings() {
  const { say } = useText();
  const { page, tableOf } = useCursor(null);
  const found = query.useQuery("get", "/settings", {
    params: { query: { ...page } },
  });
  const columns: Column<Setting>[] = [
    {
      key: "name",
      title: say("system.setting"),
      render: (row) => (
        <>
          <code className="strong">{row.name}</code>
          <div className="sub">{row.description}</div>
        </>
      ),
    },
    {
      key: "value",
      title: say("system.value"),
      render: (row) =>
        row.is_secret ? <span className="faint">{say("system.hidden")}</span> : <code>{row.value || "—"}</code>,
    },
    {
      key: "state",
      title: say("common.state"),
      render: (row) => (
        <Tag tone={row.is_default ? "neutral" : "brand"}>
          {say(row.is_default ? "system.isDefault" : "system.changed")}
        </Tag>
      ),
      nowrap: true,
    },
  ];
  return (
    <Panel flush>
      <PageTable label={say("system.settings")} columns={columns} {...tableOf(found)} rowKey={(row) => row.name} />
    </Panel>
  );
}
