/** What stands where content will be, is not, or could not be fetched. */

import { DisconnectOutlined, InboxOutlined, LockOutlined, SearchOutlined } from "@ant-design/icons";
import { Button } from "antd";
import type { ReactNode } from "react";
import { asProblem } from "../api/problem";
import { useText } from "../i18n";
import { useProblemText } from "./ProblemText";

export function Empty(props: { title?: string; hint?: ReactNode; action?: ReactNode; filtered?: boolean }) {
  const { say } = useText();
  const { filtered, action } = props;
  return (
    <div className="blank">
      <span className="picture" aria-hidden="true">
        {filtered ? <SearchOutlined /> : <InboxOutlined />}
      </span>
      <h3>{filtered ? say("common.emptyFiltered") : (props.title ?? say("common.empty"))}</h3>
      {filtered ? <p>{say("common.emptyFilteredHint")}</p> : props.hint ? <p>{props.hint}</p> : null}
      {action}
    </div>
  );
}

const WIDTHS = [92, 74, 84, 58, 68, 88, 63, 79];

export function Loading({ lines = 5 }: { lines?: number }) {
  const { say } = useText();
  return (
    <div className="bones" role="status" aria-label={say("common.loading")}>
      {WIDTHS.slice(0, lines).map((width) => (
        <div className="bone" key={width} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { say } = useText();
  const problem = asProblem(error);
  const words = useProblemText()(problem);
  return (
    <div className="blank bad" role="alert">
      <span className="picture" aria-hidden="true">
        {problem.status === 403 ? <LockOutlined /> : <DisconnectOutlined />}
      </span>
      <h3>{words.title}</h3>
      {words.detail ? <p>{words.detail}</p> : null}
      {problem.traceId ? (
        <p className="small">
          {say("common.traceId")} <code>{problem.traceId}</code>
        </p>
      ) : null}
      {onRetry ? <Button onClick={onRetry}>{say("common.retry")}</Button> : null}
    </div>
  );
}

type Fetched<T> = { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };

/** Shows the bones, the problem, or what `children` makes of the data. */
export function Fetch<T>(props: { of: Fetched<T>; lines?: number; children: (data: T) => ReactNode }) {
  const { data, error, refetch } = props.of;
  if (data !== undefined) return props.children(data);
  if (error) return <ErrorState error={error} onRetry={() => refetch()} />;
  return <Loading lines={props.lines ?? 5} />;
}
