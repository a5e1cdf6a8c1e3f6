/** What waits for the reader, one line each, the gravest first. */

import {
  CheckCircleOutlined,
  EditOutlined,
  FileDoneOutlined,
  FileSearchOutlined,
  RightOutlined,
  SafetyOutlined,
  WarningOutlined,
} from "@ant-design/icons";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { components } from "../../api/schema";
import type { Change, Tree, Version, Waiting } from "../../api/types";
import { Panel } from "../../design/Blocks";
import { Person, StateTag, Tag, Time } from "../../design/Small";
import { bytes } from "../../design/size";
import type { Tone } from "../../design/tokens";
import { kindKey, pick, useText } from "../../i18n";
import { useAppNames, useNamed } from "../apps/names";
import { hotfixPath, waitingHotfixes } from "../hotfixes/words";
import { useTrustRoleName } from "../trust/roles";

type Matter = components["schemas"]["MatterView"];
const SHOWN_BETTER = new Set(["change_waiting", "review_waiting", "hotfix_waiting", "signature_waiting"]);
const MATTER_TONES: Record<string, Tone> = { error: "bad", warning: "warn" };

type Todo = {
  key: string;
  icon: ReactNode;
  tone: Tone;
  to: string;
  title: string;
  hint: ReactNode;
  tag?: ReactNode;
  ms: number;
};
type Sources = {
  matters: readonly Matter[];
  versions: readonly Version[];
  changes: readonly Change[];
  waiting: readonly Waiting[];
  trees: readonly Tree[];
};

export function NeedsYou(props: Sources) {
  const { say } = useText();
  const todos = useTodos(props);
  return (
    <Panel
      title={say("overview.todo")}
      hint={todos.length ? say("overview.todoCount", { n: todos.length }) : null}
      flush
    >
      {todos.length === 0 ? (
        <div className="todo">
          <span className="lead good" aria-hidden="true">
            <CheckCircleOutlined />
          </span>
          <span className="what">
            <span className="strong">{say("overview.nothing")}</span>
            <span className="small muted block">{say("overview.nothingHint")}</span>
          </span>
        </div>
      ) : (
        todos.map((todo) => <Line key={todo.key} todo={todo} />)
      )}
    </Panel>
  );
}

function Line({ todo }: { todo: Todo }) {
  return (
    <Link className="todo" to={todo.to}>
      <span className={`lead ${todo.tone}`} aria-hidden="true">
        {todo.icon}
      </span>
      <span className="what">
        <span className="row">
          <span className="strong">{todo.title}</span>
          {todo.tag}
        </span>
        <span className="small muted block">{todo.hint}</span>
      </span>
      <span className="small muted">
        <Time ms={todo.ms} />
      </span>
      <RightOutlined className="faint small" aria-hidden="true" />
    </Link>
  );
}

function useTodos({ matters, versions, changes, waiting, trees }: Sources): Todo[] {
  const { say, sayOr, language } = useText();
  const names = useAppNames();
  const named = useNamed();
  const profile = (name: string) => say("trust.tree", { profile: sayOr(`trust.${name}`, name) });
  const roleName = useTrustRoleName();
  return [
    ...matters
      .filter((matter) => !SHOWN_BETTER.has(matter.kind) && !(matter.kind === "role_ending" && trees.length > 0))
      .map((matter) => ({
        key: matter.key,
        icon: <WarningOutlined />,
        tone: MATTER_TONES[matter.severity] ?? "info",
        to: matter.link,
        title: pick(language, matter),
        hint: null,
        tag: matter.severity === "info" ? null : <StateTag state={matter.severity} />,
        ms: matter.since_ms,
      })),
    ...trees.flatMap((tree) =>
      tree.roles
        .filter((role) => role.is_due && role.signer !== "server")
        .map((role) => ({
          key: `${tree.profile}/${role.role}`,
          icon: <SafetyOutlined />,
          tone: "warn" as const,
          to: "/trust",
          title: say("overview.due", { role: roleName(role.role), profile: profile(tree.profile) }),
          hint: say("overview.dueHint"),
          ms: role.expires_ms,
        })),
    ),
    ...waiting.map((item) => ({
      key: item.id,
      icon: <EditOutlined />,
      tone: "brand" as const,
      to: "/trust",
      title: say("overview.sign", { role: roleName(item.role) }),
      hint: profile(item.profile),
      ms: item.created_ms,
    })),
    ...waitingHotfixes(matters).map((item) => ({
      key: hotfixPath(item),
      icon: <FileSearchOutlined />,
      tone: "info" as const,
      to: hotfixPath(item),
      title: say("overview.reviewHotfix", { app: names(item.app) || item.app, number: item.n }),
      hint: `#${item.sequence}`,
      ms: item.since,
    })),
    ...versions.map((item) => ({
      key: `${item.app}/${item.sequence}`,
      icon: <FileSearchOutlined />,
      tone: "info" as const,
      to: `/apps/${item.app}/versions/${item.sequence}`,
      title: say("overview.review", { app: names(item.app) || item.name || item.app, version: item.version }),
      hint: say("overview.reviewHint", { files: item.files, size: bytes(item.size_bytes) }),
      tag: item.urgent ? <Tag tone="warn">{say("overview.urgent")}</Tag> : null,
      ms: item.submitted_ms,
    })),
    ...changes.map((item) => ({
      key: item.id,
      icon: <FileDoneOutlined />,
      tone: "info" as const,
      to: `/changes/${item.id}`,
      title: `${say("overview.change", { kind: sayOr(kindKey(item.kind), item.kind) })} · ${named(item.target_name || item.target)}`,
      hint: (
        <span className="row">
          <Person id={item.maker.operator} name={item.maker.name} />
          {item.note ? <span className="wrap">{item.note}</span> : null}
        </span>
      ),
      ms: item.created_ms,
    })),
  ];
}
