import type { JSX, ReactNode } from "react";
import { useState } from "react";
import type { CatalogueApp } from "../host/host";
import { useWords } from "../i18n";
import { go } from "../route";
import { Icon, type IconName } from "./icons";

/** A page below the tabs: a bar with a way back and a title, then what it shows. */
export function SubPage({ title, back, children }: { title: string; back: string; children: ReactNode }): JSX.Element {
  const { t } = useWords();
  return (
    <div className="page">
      <header className="bar">
        <button type="button" className="bar-button" aria-label={t("back")} onClick={() => go(back)}>
          <Icon name="back" />
        </button>
        <h1>{title}</h1>
        <span className="bar-button" />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and may hold nothing else that the keyboard reaches */}
      <main className="content" tabIndex={0}>
        {children}
      </main>
    </div>
  );
}

/** What stands where there is nothing yet. */
export function Empty({ icon, title, hint }: { icon: IconName; title: string; hint?: string }): JSX.Element {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} size={30} />
      </span>
      <b>{title}</b>
      {hint && <p>{hint}</p>}
    </div>
  );
}

const HUES = [176, 212, 262, 18, 42, 338, 140];

/** An app's own icon, or its first letter on a colour that is always the same for this app. */
export function AppIcon({ app, size = 52 }: { app: CatalogueApp; size?: number }): JSX.Element {
  const { both } = useWords();
  const [isBroken, setBroken] = useState(false);
  const name = both(app.name);
  const hue = HUES[[...app.id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % HUES.length];
  if (app.icon !== null && !isBroken) {
    return (
      <img className="app-icon" src={app.icon} alt="" width={size} height={size} onError={() => setBroken(true)} />
    );
  }
  const style = { width: size, height: size, fontSize: size * 0.44, background: `hsl(${hue} 52% 42%)` };
  return (
    <span className="app-icon letter" style={style} aria-hidden="true">
      {[...name][0]?.toUpperCase()}
    </span>
  );
}

/** A row that leads somewhere or does something. */
export function Row(props: {
  icon?: IconName;
  title: string;
  hint?: string;
  right?: ReactNode;
  onPress?: () => void;
  isDanger?: boolean;
}): JSX.Element {
  const inside = (
    <>
      {props.icon && (
        <span className="row-icon">
          <Icon name={props.icon} />
        </span>
      )}
      <span className="row-text">
        <b>{props.title}</b>
        {props.hint && <small>{props.hint}</small>}
      </span>
      {props.right}
      {props.onPress && !props.right && <Icon name="next" size={18} />}
    </>
  );
  const kind = props.isDanger ? "row danger" : "row";
  return props.onPress ? (
    <button type="button" className={kind} onClick={props.onPress}>
      {inside}
    </button>
  ) : (
    <div className={kind}>{inside}</div>
  );
}

/** A few exclusive choices side by side. */
export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}): JSX.Element {
  return (
    <fieldset className="choice" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button type="button" key={value} aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}

/** An on/off switch with its name. */
export function Switch(props: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }): JSX.Element {
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      aria-checked={props.isOn}
      aria-label={props.label}
      onClick={() => props.onChange(!props.isOn)}
    >
      <i />
    </button>
  );
}

export function Spinner({ label }: { label: string }): JSX.Element {
  return (
    <output className="spinner" aria-live="polite">
      <i />
      <span>{label}</span>
    </output>
  );
}
