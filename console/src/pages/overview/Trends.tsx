/** The last days in small bars, drawn without a library. */

import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { pick, useText } from "../../i18n";

type Overview = components["schemas"]["OverviewView"];
const HEIGHT = 40;
const STEP = 10;

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
  const { language } = useText();
  const most = Math.max(1, ...series.values);
  const sum = series.values.reduce((all, one) => all + one, 0);
  const day = (n: number) =>
    new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB").format(firstDayMs + n * 86_400_000);
  const words = series.values.map((value, n) => `${day(n)}: ${value}`).join(", ");
  return (
    <div className="spark">
      <div className="small muted">{pick(language, series)}</div>
      <div className="value num">{sum.toLocaleString(language === "zh" ? "zh-CN" : "en-GB")}</div>
      <svg
        viewBox={`0 0 ${series.values.length * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${pick(language, series)}. ${words}`}
      >
        {series.values.map((value, n) => {
          const height = value === 0 ? 1.5 : Math.max(3, (value / most) * HEIGHT);
          return (
            <rect
              key={day(n)}
              className={value === 0 ? "none" : ""}
              x={n * STEP + 1}
              width={STEP - 2}
              y={HEIGHT - height}
              height={height}
              rx={1}
            >
              <title>{`${day(n)}: ${value}`}</title>
            </rect>
          );
        })}
      </svg>
    </div>
  );
}
