/** The console's own look over antd: ink on paper, one deep teal, colour only where it means something. */

import { type ThemeConfig, theme } from "antd";

export type Mode = "light" | "dark";

type Palette = Record<
  "canvas" | "surface" | "raised" | "line" | "lineStrong" | "ink" | "ink2" | "ink3" | "brand" | "onBrand" | "link",
  string
>;

/** Contrast on `surface` and on `canvas`: ink over 12, ink2 over 6.5, ink3 over 4.6 (a test computes it). */
export const PALETTE: Record<Mode, Palette> = {
  light: {
    canvas: "#f4f5f2",
    surface: "#ffffff",
    raised: "#fafbf9",
    line: "#e1e5e1",
    lineStrong: "#c4ccc8",
    ink: "#15211f",
    ink2: "#475552",
    ink3: "#5f6d6a",
    brand: "#0c5a59",
    onBrand: "#ffffff",
    link: "#0b5f5e",
  },
  dark: {
    canvas: "#0c1413",
    surface: "#131e1c",
    raised: "#192624",
    line: "#263532",
    lineStrong: "#3b4d49",
    ink: "#e8eeec",
    ink2: "#b0bebb",
    ink3: "#93a39f",
    brand: "#5cbab2",
    onBrand: "#04201f",
    link: "#76cbc3",
  },
};

export type Tone = "neutral" | "info" | "good" | "warn" | "bad" | "brand";

/** Text on its own pale ground, for tags and notes. */
export const TONES: Record<Mode, Record<Tone, { text: string; ground: string; mark: string }>> = {
  light: {
    neutral: { text: "#475552", ground: "#ecefec", mark: "#7d8a86" },
    info: { text: "#1c5390", ground: "#e6eff9", mark: "#3a78bd" },
    good: { text: "#17643b", ground: "#e3f3e9", mark: "#2f8f5b" },
    warn: { text: "#7a4d00", ground: "#fbf0d9", mark: "#c78411" },
    bad: { text: "#9c2a22", ground: "#fbe9e6", mark: "#c6453b" },
    brand: { text: "#0c5a59", ground: "#e0f0ee", mark: "#0c5a59" },
  },
  dark: {
    neutral: { text: "#b8c5c2", ground: "#22302d", mark: "#7f918d" },
    info: { text: "#9cc6f2", ground: "#14293d", mark: "#5b9bdc" },
    good: { text: "#8ed8ac", ground: "#12301f", mark: "#4fb47c" },
    warn: { text: "#f0c878", ground: "#35280d", mark: "#d9a03a" },
    bad: { text: "#f5a79f", ground: "#3a1916", mark: "#e0675c" },
    brand: { text: "#84d3cb", ground: "#10302e", mark: "#5cbab2" },
  },
};

/** Steps of distance, in px: within a control, between controls, between parts, between sections. */
export const SPACE = { xs: 4, s: 8, m: 12, l: 16, xl: 24, xxl: 32 } as const;

export const FONT =
  '"Inter", "Helvetica Neue", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Liberation Sans", system-ui, sans-serif';
export const MONO = '"JetBrains Mono", "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", ui-monospace, monospace';

/** Returns the palette and the tones as CSS variables, `--ink`, `--tone-good-text` and so on. */
export function cssVariables(mode: Mode): Record<string, string> {
  const colours = Object.entries(PALETTE[mode]).map(([name, value]) => [`--${name}`, value]);
  const tones = Object.entries(TONES[mode]).flatMap(([tone, parts]) =>
    Object.entries(parts).map(([part, value]) => [`--tone-${tone}-${part}`, value]),
  );
  return Object.fromEntries([...colours, ...tones, ["--font", FONT], ["--mono", MONO]]);
}

/** Returns antd's theme for a mode. */
export function antTheme(mode: Mode): ThemeConfig {
  const p = PALETTE[mode];
  const t = TONES[mode];
  return {
    algorithm: mode === "dark" ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      colorPrimary: p.brand,
      colorInfo: t.info.mark,
      colorSuccess: t.good.mark,
      colorWarning: t.warn.mark,
      colorError: mode === "dark" ? "#ee8a80" : "#b3372d",
      colorLink: p.link,
      colorTextBase: p.ink,
      colorBgBase: p.surface,
      colorText: p.ink,
      colorTextSecondary: p.ink2,
      colorTextTertiary: p.ink3,
      colorTextDescription: p.ink2,
      colorTextPlaceholder: p.ink3,
      colorTextLightSolid: p.onBrand,
      colorBgLayout: p.canvas,
      colorBgContainer: p.surface,
      colorBgElevated: mode === "dark" ? p.raised : p.surface,
      colorBorder: p.lineStrong,
      colorBorderSecondary: p.line,
      colorSplit: p.line,
      fontFamily: FONT,
      fontFamilyCode: MONO,
      fontSize: 14,
      lineHeight: 1.57,
      borderRadius: 7,
      borderRadiusLG: 10,
      controlHeight: 34,
      wireframe: false,
      motionDurationMid: "0.12s",
      motionDurationSlow: "0.18s",
    },
    components: {
      Button: { primaryShadow: "none", defaultShadow: "none", dangerShadow: "none", fontWeight: 500 },
      Modal: { titleFontSize: 17, borderRadiusLG: 12 },
      Tabs: { horizontalItemGutter: 24, titleFontSize: 14 },
      Form: { itemMarginBottom: 18, verticalLabelPadding: "0 0 6px" },
      Tooltip: { colorBgSpotlight: mode === "dark" ? "#33443f" : "#1b2a28", colorTextLightSolid: "#ffffff" },
      Segmented: { trackBg: mode === "dark" ? p.raised : "#e9ecea" },
    },
  };
}
