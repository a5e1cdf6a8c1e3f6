/** Filters above a table; they stand in the address, so that a link shows the same rows. */

import { SearchOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { useText } from "../i18n";
import { Choice } from "./Choice";

export type Filter =
  | { key: string; kind: "text"; label: string }
  | { key: string; kind: "choice"; label: string; choices: readonly { value: string; label: string }[] };

/** Returns the filters in the address and a function to set one. */
export function useFilters(): {
  values: Record<string, string>;
  set: (key: string, value: string) => void;
  clear: () => void;
  isFiltered: boolean;
} {
  const [params, setParams] = useSearchParams();
  const values = Object.fromEntries(params);
  const set = (key: string, value: string) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value) next.set(key, value);
        else next.delete(key);
        return next;
      },
      { replace: true },
    );
  return { values, set, clear: () => setParams({}, { replace: true }), isFiltered: [...params].length > 0 };
}

export function FilterBar({ filters, extra }: { filters: readonly Filter[]; extra?: ReactNode }) {
  const { say } = useText();
  const { values, set, clear, isFiltered } = useFilters();
  return (
    <search className="filters">
      {filters.map((filter) =>
        filter.kind === "text" ? (
          <TextFilter
            key={filter.key}
            label={filter.label}
            value={values[filter.key] ?? ""}
            onChange={(value) => set(filter.key, value)}
          />
        ) : (
          <Choice<string>
            key={filter.key}
            aria-label={filter.label}
            placeholder={filter.label}
            allowClear
            value={values[filter.key] ?? null}
            onChange={(value) => set(filter.key, value ?? "")}
            options={[...filter.choices]}
            popupMatchSelectWidth={false}
          />
        ),
      )}
      {extra}
      {isFiltered ? (
        <Button type="link" size="small" onClick={clear}>
          {say("common.clear")}
        </Button>
      ) : null}
    </search>
  );
}

function TextFilter({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  return (
    <Input
      aria-label={label}
      placeholder={label}
      value={draft}
      data-search
      allowClear
      prefix={<SearchOutlined aria-hidden="true" />}
      onChange={(event) => {
        setDraft(event.target.value);
        if (event.target.value === "") onChange("");
      }}
      onPressEnter={() => onChange(draft.trim())}
      onBlur={() => draft.trim() !== value && onChange(draft.trim())}
    />
  );
}
