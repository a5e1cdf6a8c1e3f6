/** The last days in bars, drawn without a library: a sum, how this week compares, and each day on its own. */

import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { pick, useText } from "../../i18n";
import { daysText, weekChange } from "./days";

type Overview = components["schemas"]["OverviewView"];

export function Trends({ overview }: { overview: Overview }) {
  const { say } = useText();
  const days = overview.series[0]?.values.length ?? 0;
  if (days === 0) return null;
  return (
    <Panel title={say("overview.trends")} hint={say("overview.days", { n: days })}>
      <div className="sparks">
        {overview.series.map((series) => (
          <Spark key={series.name} series={series} firstDayMs={overview.first_day_ms} />
        ))}
      </div>
    </Panel>
  );
}

function Spark({ series, firstDayMs }: { series: Overview["series"][number]; firstDayMs: number }) {
  const { say, language } = useText();
  const { values } = series;
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const most = Math.max(...values);
  const sum = values.reduce((all, one) => all + one, 0);
  const days = daysText(firstDayMs, values.length, locale);
  const words = values.map((value, n) => `${days[n]}: ${value}`).join(", ");
  return (
    <div className={series.name === "failures" ? "spark bad" : "spark"}>
      <div className="small muted">{pick(language, series)}</div>
      <div className="row">
        <span className="value num">{sum.toLocaleString(locale)}</span>
        <Change percent={weekChange(values)} />
      </div>
      <div className="bars" role="img" aria-label={`${pick(language, series)}. ${words}`}>
        {most > 0 ? <span className="most num">{most.toLocaleString(locale)}</span> : null}
        {values.map((value, n) => (
          <i
            key={days[n]}
            className={value === 0 ? "none" : ""}
            style={{ height: value === 0 ? 2 : `${Math.max(6, (100 * value) / most)}%` }}
            title={`${days[n]}: ${value.toLocaleString(locale)}`}
          />
        ))}
      </div>
      <div className="ends small faint num" aria-hidden="true">
        <span>{days[0]}</span>
        <span>{say("overview.today")}</span>
      </div>
    </div>
  );
}

function Change({ percent }: { percent: number | null }) {
  const { say } = useText();
  if (percent === null || percent === 0) return null;
  const sign = percent > 0 ? "+" : "−";
  return (
    <span className="small muted num" title={say("overview.thanWeekBefore")}>
      {sign}
      {Math.abs(percent)} %
    </span>
  );
}
