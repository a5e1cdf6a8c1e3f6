import { type JSX, useEffect, useMemo, useState } from "react";
import { useHost, useSnapshot } from "../app";
import { TIERS, type Tier } from "../host/host";
import { Bench, type BenchState, becomeTier, CHOICES, type ChoiceName } from "../host/workbench";
import { type Key, useWords } from "../i18n";
import { useDialogs } from "../ui/dialogs";
import { Choice } from "../ui/parts";
import { messageOf } from "./problem";

const NAMES = Object.keys(CHOICES) as ChoiceName[];

/** What stands in for the bank and other servers while an app is written. Holds until `sampan dev` ends. */
export function Mocks(): JSX.Element | null {
  const { t } = useWords();
  const host = useHost();
  const { tier, workbench } = useSnapshot();
  const { toast } = useDialogs();
  const bench = useMemo(() => new Bench(), []);
  const [state, setState] = useState<BenchState | null>(null);
  const work = (done: Promise<BenchState>): void => {
    done.then(setState, (failure: unknown) => toast(messageOf(failure, t)));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the panel opens
  useEffect(() => work(bench.state()), [bench]);
  if (workbench === null) return null;
  const become = (wanted: Tier): void => {
    becomeTier(host, workbench, wanted).catch((failure: unknown) => toast(messageOf(failure, t)));
  };
  return (
    <section>
      <h2>{t("mocks")}</h2>
      <div className="card mocks">
        <Line name="tier">
          <Choice label={t("tier")} value={tier} options={TIERS.map((each) => [each, t(each)])} onChange={become} />
        </Line>
        {state &&
          NAMES.map((name) => (
            <Line key={name} name={`mock_${name}`}>
              <Choice
                label={t(`mock_${name}`)}
                value={state.chosen[name]}
                options={CHOICES[name].map((value) => [value, t(`mock_${name}_${value}` as Key)])}
                onChange={(value) => work(bench.choose(name, value))}
              />
            </Line>
          ))}
        {state && <Fetches state={state} />}
      </div>
    </section>
  );
}

function Line({ name, children }: { name: Key; children: JSX.Element }): JSX.Element {
  const { t } = useWords();
  return (
    <div className="mock">
      <b>{t(name)}</b>
      {children}
    </div>
  );
}

function Fetches({ state }: { state: BenchState }): JSX.Element {
  const { t } = useWords();
  return (
    <div className="mock">
      <b>{t("mock_file")}</b>
      <small className="mono">{state.file}</small>
      {state.fetch.length > 0 && (
        <ul className="mono">
          {state.fetch.map((each) => (
            <li key={`${each.method} ${each.url}`}>
              {each.method === "*" ? "" : `${each.method} `}
              {each.url} → {each.says}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
