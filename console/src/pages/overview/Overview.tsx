/** What needs the reader today, and how the platform is doing. */

import {
  EditOutlined,
  FileDoneOutlined,
  FileSearchOutlined,
  RightOutlined,
  SafetyOutlined,
  WarningOutlined,
} from "@ant-design/icons";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import type { Change, Tree, Version, Waiting } from "../../api/types";
import { useSession } from "../../app/session";
import { Panel, Tile } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { Person, StateTag, Tag, Time } from "../../design/Small";
import { Empty, Fetch, Loading } from "../../design/States";
import { bytes } from "../../design/size";
import { kindKey, pick, useText } from "../../i18n";
import { Health } from "../system/Health";
import { Activity } from "./Activity";
import { Trends } from "./Trends";

type Matter = components["schemas"]["MatterView"];
const SHOWN_BETTER = new Set(["change_waiting", "review_waiting", "signature_waiting"]);

type Todo = { key: string; icon: ReactNode; to: string; title: string; hint: ReactNode; tag?: ReactNode; ms: number };

export default function Overview() {
  const { say } = useText();
  const { me, may } = useSession();
  const reviews = query.useQuery("get", "/reviews", {}, { enabled: may("version:review") });
  const changes = query.useQuery(
    "get",
    "/changes",
    { params: { query: { state: "proposed", limit: 50 } } },
    { enabled: may("change:read") },
  );
  const waiting = query.useQuery("get", "/trust/pending", {}, { enabled: may("trust:read") });
  const trees = query.useQuery("get", "/trust/trees", {}, { enabled: may("trust:read") });
  const releases = query.useQuery(
    "get",
    "/releases",
    { params: { query: { limit: 50 } } },
    { enabled: may("release:read") },
  );
  const apps = query.useQuery("get", "/apps", {}, { enabled: may("app:read") });
  const overview = query.useQuery("get", "/overview", {});
  const kinds = query.useQuery("get", "/changes/kinds", {}, { enabled: may("change:read"), staleTime: 600_000 });

  const mayApprove = (kind: string) => {
    const found = kinds.data?.items.find((item) => item.name === kind);
    return found !== undefined && may(found.approve);
  };
  const others = changes.data?.items.filter((item) => item.maker.person !== me.person && mayApprove(item.kind)) ?? [];
  const mine = changes.data?.items.filter((item) => item.maker.person === me.person) ?? [];
  const isLoading = [reviews, changes, waiting, trees].some((found) => found.isLoading);
  const matters = overview.data?.needs_me.flatMap((group) => group.matters) ?? [];
  const todos = useTodos(
    matters,
    reviews.data?.items ?? [],
    others,
    waiting.data?.items ?? [],
    trees.data?.items ?? [],
  );
  const running = releases.data?.items.filter((item) => item.state === "running").length ?? 0;
  const paused = releases.data?.items.filter((item) => item.state === "paused").length ?? 0;

  return (
    <PageFrame
      title={say("overview.hello", { name: me.name })}
      name={say("frame.overview")}
      lead={say("overview.lead")}
    >
      <div className="tiles">
        {may("version:review") ? (
          <Tile
            label={say("overview.inReview")}
            value={reviews.data?.items.length ?? "–"}
            tone={reviews.data?.items.length ? "warn" : "good"}
            to="/reviews"
          />
        ) : null}
        {may("change:read") ? (
          <Tile
            label={say("overview.waitingChanges")}
            value={changes.data?.items.length ?? "–"}
            tone={others.length ? "warn" : "good"}
            to="/changes?state=proposed"
          />
        ) : null}
        {may("release:read") ? (
          <Tile
            label={say("overview.running")}
            value={releases.data ? running : "–"}
            under={paused ? say("overview.paused", { n: paused }) : null}
            tone={paused ? "warn" : "info"}
            to="/releases?state=running"
          />
        ) : null}
        {may("app:read") ? (
          <Tile label={say("overview.apps")} value={apps.data?.items.length ?? "–"} tone="info" to="/apps" />
        ) : null}
        {may("trust:read") && trees.data ? <TrustTile trees={trees.data.items} /> : null}
      </div>
      <div className={may("audit:read") || overview.data?.platform ? "columns" : "stack"}>
        <div className="stack">
          <Panel title={say("overview.todo")} flush>
            {isLoading ? (
              <Loading lines={4} />
            ) : todos.length === 0 ? (
              <Empty title={say("overview.nothing")} hint={say("overview.nothingHint")} />
            ) : (
              todos.map((todo) => (
                <Link className="todo" key={todo.key} to={todo.to}>
                  <span className="anticon lead" aria-hidden="true">
                    {todo.icon}
                  </span>
                  <span className="what">
                    <span className="row">
                      <span className="strong">{todo.title}</span>
                      {todo.tag}
                    </span>
                    <span className="small muted">{todo.hint}</span>
                  </span>
                  <span className="small muted">
                    <Time ms={todo.ms} />
                  </span>
                  <RightOutlined className="faint small" aria-hidden="true" />
                </Link>
              ))
            )}
          </Panel>
          {overview.data ? <Trends overview={overview.data} /> : null}
          {mine.length > 0 ? <MyRequests changes={mine} /> : null}
          {may("release:read") ? (
            <Panel title={say("overview.recent")} flush extra={<Link to="/releases">{say("common.seeAll")}</Link>}>
              <Fetch of={releases} lines={3}>
                {(found) =>
                  found.items.length === 0 ? (
                    <Empty />
                  ) : (
                    found.items.slice(0, 5).map((item) => (
                      <Link className="todo" key={item.id} to={`/releases/${item.id}`}>
                        <span className="what">
                          <span className="strong">{item.deliverable}</span>{" "}
                          <span className="muted num">{item.version}</span>
                        </span>
                        <StateTag state={item.state} />
                        <span className="small muted only-wide">
                          <Time ms={item.changed_ms} />
                        </span>
                      </Link>
                    ))
                  )
                }
              </Fetch>
            </Panel>
          ) : null}
        </div>
        <div className="stack">
          {overview.data?.platform ? <Health items={overview.data.platform.health} /> : null}
          {may("audit:read") ? <Activity /> : null}
        </div>
      </div>
    </PageFrame>
  );
}

function useTodos(
  matters: readonly Matter[],
  versions: readonly Version[],
  changes: readonly Change[],
  waiting: readonly Waiting[],
  trees: readonly Tree[],
) {
  const { say, sayOr, language } = useText();
  const todos: Todo[] = [
    ...versions.map((item) => ({
      key: `${item.app}/${item.sequence}`,
      icon: <FileSearchOutlined />,
      to: `/apps/${item.app}/versions/${item.sequence}`,
      title: say("overview.review", { app: item.name || item.app, version: item.version }),
      hint: say("overview.reviewHint", { files: item.files, size: bytes(item.size_bytes) }),
      tag: item.urgent ? <Tag tone="warn">{say("overview.urgent")}</Tag> : null,
      ms: item.submitted_ms,
    })),
    ...changes.map((item) => ({
      key: item.id,
      icon: <FileDoneOutlined />,
      to: `/changes/${item.id}`,
      title: say("overview.change", { kind: sayOr(kindKey(item.kind), item.kind) }),
      hint: <Person id={item.maker.operator} name={item.maker.name} />,
      ms: item.created_ms,
    })),
    ...waiting.map((item) => ({
      key: item.id,
      icon: <EditOutlined />,
      to: "/trust",
      title: say("overview.sign", { role: item.role }),
      hint: item.profile,
      ms: item.created_ms,
    })),
    ...trees.flatMap((tree) =>
      tree.roles
        .filter((role) => role.is_due && role.signer !== "server")
        .map((role) => ({
          key: `${tree.profile}/${role.role}`,
          icon: <SafetyOutlined />,
          to: "/trust",
          title: say("overview.due", { role: role.role, profile: tree.profile }),
          hint: tree.profile,
          ms: role.expires_ms,
        })),
    ),
  ];
  return [
    ...matters
      .filter((matter) => !SHOWN_BETTER.has(matter.kind))
      .map((matter) => ({
        key: matter.key,
        icon: <WarningOutlined />,
        to: matter.link,
        title: pick(language, matter),
        hint: null,
        tag: matter.severity === "info" ? null : <StateTag state={matter.severity} />,
        ms: matter.since_ms,
      })),
    ...todos,
  ];
}

function TrustTile({ trees }: { trees: readonly Tree[] }) {
  const { say } = useText();
  const isGood = trees.every((tree) => tree.is_up_to_date && tree.roles.every((role) => !role.is_due));
  return (
    <Tile
      label={say("overview.trust")}
      value={<span style={{ fontSize: 20 }}>{say(isGood ? "overview.trustGood" : "overview.trustBad")}</span>}
      tone={isGood ? "good" : "bad"}
      to="/trust"
    />
  );
}

function MyRequests({ changes }: { changes: readonly Change[] }) {
  const { say, sayOr } = useText();
  return (
    <Panel title={say("overview.mine")} flush>
      {changes.map((item) => (
        <Link className="todo" key={item.id} to={`/changes/${item.id}`}>
          <span className="what">
            <span className="strong">{sayOr(kindKey(item.kind), item.kind)}</span>{" "}
            <span className="small muted">{item.target}</span>
          </span>
          <span className="small muted">
            <Time ms={item.created_ms} />
          </span>
        </Link>
      ))}
    </Panel>
  );
}
