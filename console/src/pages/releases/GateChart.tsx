/** Failed devices against how many may fail, over the devices that reported. What it draws is told in words beside it. */

import { LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import type { components } from "../../api/schema";
import { useLook } from "../../app/preferences";
import { FONT, PALETTE, TONES } from "../../design/tokens";
import { useText } from "../../i18n";

use([LineChart, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, AriaComponent, SVGRenderer]);

type Schemas = components["schemas"];

export default function GateChart(props: {
  limits: readonly Schemas["LimitOut"][];
  looks: readonly Schemas["LookOut"][];
  sample: number | null;
}) {
  const { limits, looks, sample } = props;
  const { say } = useText();
  const place = useRef<HTMLDivElement>(null);
  const { mode } = useLook();
  useEffect(() => {
    if (!place.current) return;
    const p = PALETTE[mode];
    const t = TONES[mode];
    const chart = init(place.current, null, { renderer: "svg" });
    const text = { color: p.ink2, fontFamily: FONT };
    const axis = { axisLabel: text, nameTextStyle: text, axisLine: { lineStyle: { color: p.lineStrong } } };
    const seen = looks.map(({ devices, failures }) => [devices, failures]);
    chart.setOption({
      aria: { enabled: true, label: { description: say("releases.chart") } },
      animation: false,
      legend: { top: 0, left: 0, textStyle: text, itemWidth: 18 },
      tooltip: { trigger: "axis", backgroundColor: p.surface, borderColor: p.line, textStyle: { color: p.ink } },
      grid: { left: 8, right: 24, top: 40, bottom: 28, outerBoundsMode: "same" },
      xAxis: {
        type: "value",
        min: 0,
        max: limits.at(-1)?.devices,
        name: say("releases.seenDevices"),
        nameLocation: "middle",
        nameGap: 28,
        ...axis,
        axisLabel: { ...text, showMaxLabel: false },
        splitLine: { show: false },
      },
      yAxis: { type: "value", min: 0, minInterval: 1, ...axis, splitLine: { lineStyle: { color: p.line } } },
      series: [
        {
          name: say("releases.chartMost"),
          type: "line",
          data: limits.map(({ devices, most }) => [devices, most]),
          step: "end",
          showSymbol: false,
          lineStyle: { color: t.warn.mark, width: 2, type: "dashed" },
          itemStyle: { color: t.warn.mark },
          ...(sample === null
            ? {}
            : {
                markLine: {
                  symbol: "none",
                  lineStyle: { color: p.ink3, type: "dotted" },
                  label: {
                    formatter: `${say("releases.chartSample")} ${sample}`,
                    position: "end",
                    align: "right",
                    ...text,
                  },
                  data: [{ xAxis: sample }],
                },
              }),
        },
        {
          name: say("releases.chartFailures"),
          type: "line",
          data: [[0, 0], ...seen],
          step: "end",
          symbolSize: 6,
          lineStyle: { color: t.bad.mark, width: 2 },
          itemStyle: { color: t.bad.mark },
        },
      ],
    });
    const observer = new ResizeObserver(() => chart.resize());
    observer.observe(place.current);
    return () => {
      observer.disconnect();
      chart.dispose();
    };
  }, [limits, looks, sample, say, mode]);
  return <div ref={place} role="img" aria-label={say("releases.chart")} style={{ height: 280 }} />;
}
