/** A funnel over any events: steps in order, the devices that did them, and how long it took. */

import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Segmented } from "antd";
import { useRef, useState } from "react";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { Choice } from "../../design/Choice";
import { PageFrame } from "../../design/PageFrame";
import { Empty, ErrorState } from "../../design/States";
import { useText } from "../../i18n";
import { AppChoice } from "../apps/AppChoice";
import { useEventNames } from "./eventName";
import { percentText, spanText } from "./numbers";
import "./insight.css";

type Schemas = components["schemas"];
type Step = { key: number; type: string | null; app: string | null };

const MOST = 8;
const WINDOWS = [10, 60, 1440, 10_080] as const;
const DAYS = [1, 7, 30] as const;

export default function Funnel() {
  const { say } = useText();
  const types = query.useQuery("get", "/insight/event-types");
  const counted = query.useMutation("post", "/insight/funnels");
  const next = useRef(2);
  const [steps, setSteps] = useState<readonly Step[]>([
    { key: 0, type: "app.opened", app: null },
    { key: 1, type: null, app: null },
  ]);
  const [days, setDays] = useState(7);
  const [window_minutes, setWindow] = useState(60);
  const change = (key: number, part: Partial<Step>) =>
    setSteps((before) => before.map((step) => (step.key === key ? { ...step, ...part } : step)));
  const isReady = steps.every(({ type }) => type !== null);
  const count = () =>
    counted.mutate({
      body: {
        days,
        window_minutes,
        steps: steps.flatMap(({ type, app }) => (type === null ? [] : [{ type, app, sequence: null }])),
      },
    });
  const { label: eventLabel } = useEventNames();
  const options = (types.data?.types ?? []).map(({ type }) => ({ value: type, label: eventLabel(type) }));
  return (
    <PageFrame
      title={say("insight.funnel")}
      lead={say("insight.funnelLead")}
      crumbs={[{ title: say("insight.title"), to: "/insight" }]}
    >
      <Panel title={say("insight.steps")}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (isReady) count();
          }}
        >
          <ol className="funnel-steps">
            {steps.map(({ key, type, app }, n) => (
              <li key={key} aria-label={say("insight.step", { n: n + 1 })}>
                <span className="nth num" aria-hidden="true">
                  {n + 1}
                </span>
                <Choice<string>
                  aria-label={`${say("insight.step", { n: n + 1 })}: ${say("insight.stepType")}`}
                  placeholder={say("insight.stepType")}
                  options={options}
                  loading={types.isLoading}
                  value={type}
                  onChange={(value) => change(key, { type: value ?? null })}
                />
                <AppChoice
                  className="funnel-app"
                  aria-label={`${say("insight.step", { n: n + 1 })}: ${say("insight.stepApp")}`}
                  placeholder={say("insight.stepApp")}
                  allowClear
                  value={app}
                  onChange={(value) => change(key, { app: value ?? null })}
                />
                <Button
                  type="text"
                  icon={<DeleteOutlined />}
                  aria-label={say("insight.stepRemove", { n: n + 1 })}
                  title={say("insight.stepRemove", { n: n + 1 })}
                  disabled={steps.length <= 2}
                  onClick={() => setSteps((before) => before.filter((step) => step.key !== key))}
                />
              </li>
            ))}
          </ol>
          <div>
            <Button
              icon={<PlusOutlined />}
              disabled={steps.length >= MOST}
              onClick={() => setSteps((before) => [...before, { key: next.current++, type: null, app: null }])}
            >
              {say("insight.stepAdd")}
            </Button>
          </div>
          <div className="row" style={{ gap: 20 }}>
            <fieldset className="plain" aria-label={say("insight.range")}>
              <Segmented<number>
                value={days}
                onChange={setDays}
                options={DAYS.map((n) => ({
                  value: n,
                  label: n === 1 ? say("insight.today") : say("insight.lastDays", { n }),
                }))}
              />
            </fieldset>
            <div className="row">
              <span className="muted small">{say("insight.window")}</span>
              <fieldset className="plain" aria-label={say("insight.window")}>
                <Segmented<number>
                  value={window_minutes}
                  onChange={setWindow}
                  options={WINDOWS.map((value) => ({ value, label: say(`insight.window_${value}`) }))}
                />
              </fieldset>
            </div>
          </div>
          <div>
            <Button type="primary" htmlType="submit" disabled={!isReady} loading={counted.isPending}>
              {say("insight.count")}
            </Button>
          </div>
        </form>
      </Panel>
      <Panel title={say("insight.funnelResult")}>
        <div aria-live="polite">
          {counted.error ? (
            <ErrorState error={counted.error} onRetry={count} />
          ) : counted.data ? (
            <Result steps={counted.data.steps} />
          ) : (
            <Empty title={say("insight.funnelEmpty")} hint={say("insight.funnelEmptyHint")} />
          )}
        </div>
      </Panel>
    </PageFrame>
  );
}

function Result({ steps }: { steps: readonly Schemas["ReachView"][] }) {
  const { say } = useText();
  const { name: eventName } = useEventNames();
  const all = steps[0]?.devices ?? 0;
  if (all === 0) return <span className="muted">{say("insight.funnelNobody")}</span>;
  return (
    <ol className="way">
      {steps.map(({ type, app, devices, middle_ms }, n) => {
        const before = steps[n - 1]?.devices;
        const time = middle_ms === null ? null : spanText(middle_ms);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step may stand there twice, and none moves
          <li key={n}>
            <span className="way-step small">
              {eventName(type)}
              {app ? <span className="muted">{app}</span> : null}
            </span>
            <span className="way-bar" aria-hidden="true">
              <i style={{ width: `${(100 * devices) / all}%` }} />
            </span>
            <span className="num way-count">
              {devices.toLocaleString()} <span className="faint">{Math.round((100 * devices) / all)} %</span>
            </span>
            {before ? (
              <span className="small muted way-under">
                {say("insight.ofBefore", { percent: percentText(devices / before) })}
                {time === null ? "" : ` · ${say("insight.tookMiddle", { time })}`}
              </span>
            ) : null}
          </li>
        );
      })}
    </ol>
  );
}
