/** The values of one condition, entered as what they are: tiers, shares, moments, tags, saved audiences, texts. */

import { InputNumber, Select } from "antd";
import { query } from "../api/client";
import { useSession } from "../app/session";
import { Moment } from "../design/Moment";
import { useText } from "../i18n";
import type { Form } from "./ruleForms";
import type { Value } from "./rules";

const SUGGESTED: Readonly<Record<string, readonly string[]>> = {
  platform: ["android", "ios", "harmony", "web"],
  network: ["wifi", "cellular", "2g", "3g", "4g", "5g"],
  language: ["zh", "en"],
};

type Props = {
  attr: string;
  form: Form;
  values: readonly Value[];
  onChange: (values: Value[]) => void;
  describedBy?: string;
};

export function RuleValues(props: Props) {
  switch (props.form.kind) {
    case "tier":
      return <Tiers {...props} />;
    case "share":
      return <Shares {...props} />;
    case "moment":
      return <Moments {...props} />;
    case "tag":
      return <Tags {...props} />;
    case "audience":
      return <Audiences {...props} />;
    case "text":
      return props.attr === "client_app" ? <ClientApps {...props} /> : <Texts {...props} />;
  }
}

type Options = { options: readonly { value: string; label: string }[] | undefined; isFree?: boolean; hint?: string };

/** Several of some, or any texts at all. */
function Several({ form, values, onChange, describedBy, options, isFree, hint }: Props & Options) {
  const { say } = useText();
  const aria = { "aria-label": say("rules.values"), "aria-describedby": describedBy, "aria-invalid": !!describedBy };
  if (form.most === 1 && !isFree)
    return (
      <Select<string>
        {...aria}
        value={values[0] === undefined ? null : String(values[0])}
        onChange={(value) => onChange([value])}
        options={[...(options ?? [])]}
        placeholder={say("rules.choose")}
        style={{ width: "100%" }}
      />
    );
  return (
    <Select<string[]>
      {...aria}
      mode={isFree ? "tags" : "multiple"}
      value={values.map(String)}
      onChange={(next) => onChange(next.slice(-form.most))}
      options={[...(options ?? [])]}
      loading={options === undefined}
      showSearch={{ optionFilterProp: "label" }}
      tokenSeparators={isFree ? [",", "，", " ", "\n"] : []}
      placeholder={hint ?? say(isFree ? "rules.type" : "rules.choose")}
      style={{ width: "100%" }}
    />
  );
}

function Tiers(props: Props) {
  const { sayOr } = useText();
  const options = props.form.choices.map((tier) => ({ value: tier, label: sayOr(`tiers.${tier}`, tier) }));
  return <Several {...props} options={options} />;
}

function Texts(props: Props) {
  const { sayOr } = useText();
  const { attr, form } = props;
  const options = (SUGGESTED[attr] ?? []).map((value) => ({ value, label: value }));
  return (
    <Several
      {...props}
      options={options}
      isFree
      hint={sayOr(`rules.hint_${attr}_${form.op}`, sayOr(`rules.hint_${attr}`, "")) || undefined}
    />
  );
}

function Tags(props: Props) {
  const { may } = useSession();
  const found = query.useQuery("get", "/tags", { params: { query: { limit: 200 } } }, { enabled: may("tag:read") });
  const options = found.data?.items.map(({ name, title }) => ({
    value: name,
    label: title ? `${title} · ${name}` : name,
  }));
  return <Several {...props} options={may("tag:read") ? options : []} isFree={!may("tag:read")} />;
}

function Audiences(props: Props) {
  const found = query.useQuery("get", "/audiences", { params: { query: { limit: 200, sort: "name" } } });
  return <Several {...props} options={found.data?.items.map(({ id, name }) => ({ value: id, label: name }))} />;
}

function ClientApps(props: Props) {
  const { may } = useSession();
  const isKnown = may("client_app:read");
  const found = query.useQuery("get", "/client-apps", { params: { query: { limit: 200 } } }, { enabled: isKnown });
  const options = found.data?.items.map(({ id, name }) => ({ value: id, label: name }));
  return <Several {...props} options={isKnown ? options : []} isFree={!isKnown} />;
}

function Shares({ form, values, onChange, describedBy }: Props) {
  const { say } = useText();
  const put = (n: number, share: number | null) => {
    const next = Array.from({ length: form.least }, (_, m): Value => values[m] ?? "");
    next[n] = share === null ? "" : Math.round(share * 100);
    onChange(next);
  };
  return (
    <div className="row">
      {Array.from({ length: form.least }, (_, n) => (
        <InputNumber<number>
          // biome-ignore lint/suspicious/noArrayIndexKey: the two ends of a span have no other name
          key={n}
          aria-label={form.least === 1 ? say("rules.values") : say(n === 0 ? "rules.from" : "rules.until")}
          aria-describedby={describedBy}
          min={0}
          max={100}
          precision={2}
          value={typeof values[n] !== "number" ? null : Number(values[n]) / 100}
          onChange={(share) => put(n, share)}
          suffix="%"
        />
      ))}
    </div>
  );
}

function Moments({ form, values, onChange, describedBy }: Props) {
  const { say } = useText();
  return (
    <div className="row">
      {Array.from({ length: form.least }, (_, n) => (
        <Moment
          // biome-ignore lint/suspicious/noArrayIndexKey: the two ends of a span have no other name
          key={n}
          label={form.least === 1 ? say("rules.values") : say(n === 0 ? "rules.from" : "rules.until")}
          {...(describedBy ? { "aria-describedby": describedBy } : {})}
          value={typeof values[n] === "number" ? values[n] : null}
          onChange={(ms) => {
            const next = Array.from({ length: form.least }, (_, m): Value => values[m] ?? "");
            next[n] = ms ?? "";
            onChange(next.some((each) => each !== "") ? next : []);
          }}
        />
      ))}
    </div>
  );
}
