/** What is released: one of the packages, versions with hotfixes, client apps or switches, searched on the server. */

import type { ComponentProps } from "react";
import { query } from "../../api/client";
import { FoundChoice } from "../../design/Choice";
import { AppChoice } from "../apps/AppChoice";
import type { Kind } from "./kinds";
import { PatchedChoice } from "./PatchedChoice";

type Props = Omit<ComponentProps<typeof FoundChoice<string>>, "useFound">;

export function DeliverableChoice({ kind, ...props }: Props & { kind: Kind }) {
  if (kind === "app_upgrade") return <FoundChoice<string> {...props} useFound={useClientApps} />;
  if (kind === "switch") return <FoundChoice<string> {...props} useFound={useSwitches} />;
  if (kind === "hotfix") {
    const { id, value, disabled, onChange } = props;
    return <PatchedChoice {...{ id, value, disabled }} onChange={(next) => onChange?.(next)} />;
  }
  return <AppChoice {...props} kind={kind} />;
}

function useClientApps(search: string) {
  const found = query.useQuery("get", "/client-apps", { params: { query: { limit: 100 } } });
  const open = found.data?.items.filter((each) => !each.closed && `${each.name} ${each.id}`.includes(search));
  const options = open?.map(({ id, name }) => ({ value: id, label: `${name} · ${id}` }));
  return { options, hasMore: Boolean(found.data?.next_cursor) };
}

function useSwitches(search: string) {
  const found = query.useQuery("get", "/switches", {
    params: { query: { limit: 50, state: "active", ...(search ? { search } : {}) } },
  });
  return {
    options: found.data?.items.map(({ key }) => ({ value: key, label: key })),
    hasMore: Boolean(found.data?.next_cursor),
  };
}
