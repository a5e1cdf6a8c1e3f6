/** The values of one condition, entered as what they are: tiers, shares, moments, tags, saved audiences, texts. */

import { keepPreviousData } from "@tanstack/react-query";
import { InputNumber, Select } from "antd";
import { useState } from "react";
import { query } from "../api/client";
import { useSession } from "../app/session";
import { useLate } from "../app/useLate";
import { Moment } from "../design/Moment";
import { useText } from "../i18n";
import { useAudienceNames } from "./names";
import type { Form } from "./ruleForms";
import type { Value } from "./rules";

const SUGGESTED: Readonly<Record<string, readonly string[]>> = {
  platform: ["android", "ios", "harmony", "web"],
  network: ["wifi", "cellular", "2g", "3g", "4g", "5g"],
  language: ["zh", "en"],
};

const SOME = 50;

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

type Options = {
  options: readonly { value: string; label: string }[] | undefined;
  isFree?: boolean;
  hint?: string;
  /** The options are some of many, and the server searches them. */
  onSearch?: (text: string) => void;
  hasMore?: boolean;
};

/** Several of some, or any texts at all. */
function Several({ form, values, onChange, describedBy, options, isFree, hint, ...asks }: Props & Options) {
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
      showSearch={asks.onSearch ? { filterOption: false, onSearch: asks.onSearch } : { optionFilterProp: "label" }}
      popupRender={(list) => (
        <>
          {list}
          {asks.hasMore ? <p className="small muted choice-more">{say("common.typeForMore")}</p> : null}
        </>
      )}
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
  const [text, setText] = useState("");
  const asked = { params: { query: { limit: SOME, search: useLate(text) } } };
  const found = query.useQuery("get", "/tags", asked, { enabled: may("tag:read"), placeholderData: keepPreviousData });
  const options = found.data?.items.map(({ name, title }) => ({
    value: name,
    label: title ? `${title} · ${name}` : name,
  }));
  if (!may("tag:read")) return <Several {...props} options={[]} isFree />;
  return <Several {...props} options={options} onSearch={setText} hasMore={!!found.data?.next_cursor} />;
}

function Audiences(props: Props) {
  const [text, setText] = useState("");
  const names = useAudienceNames();
  const asked = { params: { query: { limit: SOME, sort: "name" as const, search: useLate(text) } } };
  const found = query.useQuery("get", "/audiences", asked, { placeholderData: keepPreviousData });
  const options = found.data?.items.map(({ id, name }) => ({ value: id, label: name }));
  const chosen = props.values
    .map(String)
    .filter((id) => !options?.some((one) => one.value === id))
    .map((id) => ({ value: id, label: names.get(id) ?? id }));
  const all = options && [...chosen, ...options];
  return <Several {...props} options={all} onSearch={setText} hasMore={!!found.data?.next_cursor} />;
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
