/** Drop-downs that typing searches, among the options at hand or on the server, and that Delete empties. */

import { Select, type SelectProps } from "antd";
import { type KeyboardEvent, useState } from "react";
import { useLate } from "../app/useLate";
import { useText } from "../i18n";

export type Option<V extends string | number> = { value: V; label: string };
type Props<V extends string | number> = Omit<SelectProps<V | null, Option<V>>, "mode" | "onSearch" | "searchValue">;

/** Searches its options by what they are called; without a text, Delete takes an optional choice back. */
export function Choice<V extends string | number>({ showSearch, onKeyDown, ...props }: Props<V>) {
  const [typed, setTyped] = useState("");
  const search = typeof showSearch === "object" ? showSearch : { optionFilterProp: "label" };
  const press = (event: KeyboardEvent<HTMLElement>) => {
    const isDelete = event.key === "Delete" || event.key === "Backspace";
    if (props.allowClear && isDelete && typed === "") props.onChange?.(null);
    onKeyDown?.(event as never);
  };
  return (
    <Select<V | null, Option<V>>
      {...props}
      onKeyDown={press}
      showSearch={{
        ...search,
        searchValue: typed,
        onSearch: (text) => {
          setTyped(text);
          search.onSearch?.(text);
        },
      }}
    />
  );
}

/** Asks the server for options with the text; what was chosen stays an option while others are searched. */
export function FoundChoice<V extends string | number>(
  props: Props<V> & { useFound: (text: string) => { options: Option<V>[] | undefined; hasMore: boolean } },
) {
  const { useFound, onChange, value, ...rest } = props;
  const { say } = useText();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<Option<V> | null>(null);
  const { options, hasMore } = useFound(useLate(text));
  const isMissing = chosen !== null && chosen.value === value && !options?.some((one) => one.value === value);
  return (
    <Choice<V>
      {...rest}
      value={value}
      loading={options === undefined}
      options={[...(isMissing ? [chosen] : []), ...(options ?? [])]}
      showSearch={{ filterOption: false, onSearch: setText }}
      onChange={(next, option) => {
        if (option && !Array.isArray(option)) setChosen(option);
        onChange?.(next, option);
      }}
      popupRender={(list) => (
        <>
          {list}
          {hasMore ? <p className="small muted choice-more">{say("common.typeForMore")}</p> : null}
        </>
      )}
    />
  );
}
