/** A bar chart; loaded, with the chart library, when it is first shown. A table says the same to screen readers. */

import { BarChart } from "echarts/charts";
import { AriaComponent, GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { useLook } from "../../app/preferences";
import { FONT, PALETTE } from "../../design/tokens";

use([BarChart, GridComponent, TooltipComponent, AriaComponent, SVGRenderer]);

export default function Bars({ title, bars }: { title: string; bars: readonly { name: string; value: number }[] }) {
  const place = useRef<HTMLDivElement>(null);
  const { mode } = useLook();
  useEffect(() => {
    if (!place.current) return;
    const p = PALETTE[mode];
    const chart = init(place.current, null, { renderer: "svg" });
    const axis = { axisLabel: { color: p.ink2, fontFamily: FONT }, axisLine: { lineStyle: { color: p.lineStrong } } };
    chart.setOption({
      aria: { enabled: true, label: { description: title } },
      tooltip: { trigger: "axis", backgroundColor: p.surface, borderColor: p.line, textStyle: { color: p.ink } },
      grid: { left: 8, right: 16, top: 16, bottom: 8, outerBoundsMode: "same" },
      xAxis: { type: "category", data: bars.map((bar) => bar.name), ...axis, axisTick: { show: false } },
      yAxis: { type: "value", minInterval: 1, ...axis, splitLine: { lineStyle: { color: p.line } } },
      series: [
        {
          type: "bar",
          data: bars.map((bar) => bar.value),
          barMaxWidth: 46,
          itemStyle: { color: p.brand, borderRadius: [5, 5, 0, 0] },
        },
      ],
    });
    const observer = new ResizeObserver(() => chart.resize());
    observer.observe(place.current);
    return () => {
      observer.disconnect();
      chart.dispose();
    };
  }, [bars, title, mode]);
  return (
    <>
      <div ref={place} role="img" aria-label={title} style={{ height: 260 }} />
      <table className="visually-hidden">
        <caption>{title}</caption>
        <tbody>
          {bars.map((bar) => (
            <tr key={bar.name}>
              <th scope="row">{bar.name}</th>
              <td>{bar.value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
