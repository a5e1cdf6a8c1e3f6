/** The small words of every page: times, ids, people, states and tiers. */

import { CheckOutlined, CopyOutlined, RobotOutlined } from "@ant-design/icons";
import { Button, Tooltip } from "antd";
import { useEffect, useState } from "react";
import type { Tier } from "../api/types";
import { TIERS } from "../api/types";
import { useName } from "../app/people";
import { useText } from "../i18n";
import { shortDigest } from "./size";
import { toneOf } from "./states";
import { exact, relative, shortTime } from "./time";
import type { Tone } from "./tokens";

/** A moment: how long ago, the exact time on hover and for screen readers. */
export function Time({ ms, absolute }: { ms: number | null | undefined; absolute?: boolean }) {
  const { language } = useText();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!ms) return <span className="faint">—</span>;
  return (
    <Tooltip title={exact(ms, language)}>
      <time dateTime={new Date(ms).toISOString()} className="num">
        {absolute ? shortTime(ms, language) : relative(ms, now, language)}
      </time>
    </Tooltip>
  );
}

/** An id or a digest that one click copies; short by default, whole on hover. */
export function CopyId({ value, whole }: { value: string; whole?: boolean }) {
  const { say } = useText();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [isCopied]);
  if (value === "") return <span className="faint">—</span>;
  const shown = whole ? value : shortDigest(value);
  return (
    <Tooltip title={isCopied ? say("common.copied") : whole ? say("common.copy") : value}>
      <button
        type="button"
        className="copy-id"
        aria-label={shown === value ? `${value}: ${say("common.copy")}` : `${shown}: ${say("common.copy")} ${value}`}
        onClick={() => navigator.clipboard.writeText(value).then(() => setCopied(true))}
      >
        <span className="mono">{shown}</span>
        {isCopied ? <CheckOutlined /> : <CopyOutlined />}
      </button>
    </Tooltip>
  );
}

/** A button that copies a text. */
export function CopyText({ text }: { text: string }) {
  const { say } = useText();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <Button
      size="small"
      icon={isCopied ? <CheckOutlined /> : <CopyOutlined />}
      onClick={() => navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      {say(isCopied ? "common.copied" : "common.copy")}
    </Button>
  );
}

/** The first letters of a name; of a Chinese name the last character, as is customary. */
export function initials(name: string): string {
  const trimmed = name.trim();
  if (/\p{Script=Han}/u.test(trimmed)) return trimmed.slice(-1);
  const words = trimmed.split(/\s+/);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? (words.at(-1)?.[0] ?? "") : "")).toUpperCase();
}

/** Somebody who did something: their name where the reader may know it, otherwise their id. */
export function Person({ id, name }: { id: string; name?: string }) {
  const found = useName(name ? "" : id);
  const known = name || found;
  if (id === "") return <span className="faint">—</span>;
  if (known === null)
    return (
      <span className="person" aria-busy="true">
        <span className="avatar small" aria-hidden="true" />
      </span>
    );
  if (known)
    return (
      <Tooltip title={id}>
        <span className="person">
          <span className="avatar small" aria-hidden="true">
            {initials(known)}
          </span>
          <span className="wrap">{known}</span>
        </span>
      </Tooltip>
    );
  if (/^[a-z]+_[0-9a-f]{32}$/.test(id)) return <CopyId value={id} />;
  return (
    <span className="person">
      <RobotOutlined className="faint" aria-hidden="true" />
      {id}
    </span>
  );
}

export function Tag({ tone = "neutral", children }: { tone?: Tone; children: React.ReactNode }) {
  return (
    <span className={`tag ${tone}`}>
      <span className="dot" aria-hidden="true" />
      {children}
    </span>
  );
}

/** The state of a version, a release, a change, a key or an account. */
export function StateTag({ state }: { state: string }) {
  const { sayOr } = useText();
  return <Tag tone={toneOf(state)}>{sayOr(`states.${state}`, state)}</Tag>;
}

/** A customer's tier, with bars so that colour is not all that tells them apart. */
export function TierTag({ tier }: { tier: string | null }) {
  const { sayOr } = useText();
  if (tier === null) return <span className="faint">—</span>;
  const rank = TIERS.indexOf(tier as Tier);
  return (
    <span className={`tag tier ${rank === 3 ? "brand" : rank === 0 ? "neutral" : "info"}`}>
      <span className="bars" aria-hidden="true">
        {TIERS.map((name, n) => (
          <i key={name} className={n <= rank ? "on" : ""} style={{ height: 4 + n * 3 }} />
        ))}
      </span>
      {sayOr(`tiers.${tier}`, tier)}
    </span>
  );
}
