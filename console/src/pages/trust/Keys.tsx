/** The public keys the server knows. */

import { query } from "../../api/client";
import type { Key } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, StateTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";

const PURPOSES = ["officer", "publisher", "adoption", "review", "intake", "snapshot", "timestamp", "control"] as const;
const STATES = ["active", "suspended", "retired"] as const;

export function Keys() {
  const { say, sayOr } = useText();
  const { may } = useSession();
  const act = useAct();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/trust/keys", {
    params: {
      query: {
        ...page,
        ...(values.purpose ? { purpose: values.purpose as (typeof PURPOSES)[number] } : {}),
        ...(values.state ? { state: values.state as (typeof STATES)[number] } : {}),
        ...(values.profile ? { profile: values.profile } : {}),
      },
    },
  });
  const suspend = query.useMutation("post", "/trust/keys/{key}/suspend");
  const resume = query.useMutation("post", "/trust/keys/{key}/resume");
  const columns: Column<Key>[] = [
    {
      key: "label",
      title: say("trust.label"),
      render: (row) => (
        <>
          <div className="strong">{row.label || row.owner || sayOr(`trust.${row.purpose}`, row.purpose)}</div>
          <CopyId value={row.id} />
        </>
      ),
    },
    { key: "purpose", title: say("trust.purpose"), render: (row) => sayOr(`trust.${row.purpose}`, row.purpose) },
    { key: "profile", title: say("people.profile"), render: (row) => sayOr(`trust.${row.profile}`, row.profile) },
    { key: "algorithm", title: "", render: (row) => <code>{row.algorithm}</code> },
    {
      key: "state",
      title: say("common.state"),
      render: (row) => (
        <>
          <StateTag state={row.state} />
          {row.reason ? <div className="sub">{row.reason}</div> : null}
        </>
      ),
    },
    { key: "at", title: say("common.changed"), render: (row) => <Time ms={row.changed_ms} />, nowrap: true },
    {
      key: "do",
      title: say("common.actions"),
      render: (row) => {
        const params = { path: { key: row.id } };
        if (
          row.state === "active" &&
          may("trust:suspend") &&
          (row.purpose === "publisher" || row.purpose === "officer")
        )
          return (
            <ConfirmAction
              label={say("trust.suspend")}
              size="small"
              danger
              title={say("trust.suspendTitle")}
              what={say("trust.suspendWhat")}
              reason="required"
              onConfirm={(reason) => act(() => suspend.mutateAsync({ params, body: { reason } }))}
            />
          );
        if (row.state === "suspended" && may("trust:manage"))
          return (
            <ConfirmAction
              label={say("trust.resume")}
              size="small"
              title={say("trust.resumeTitle")}
              what={say("trust.resumeWhat")}
              reason="required"
              done={say("common.waitsForSecond")}
              onConfirm={(reason) => act(() => resume.mutateAsync({ params, body: { reason } }))}
            />
          );
        return null;
      },
    },
  ];
  return (
    <div className="panel">
      <FilterBar
        filters={[
          {
            key: "purpose",
            kind: "choice",
            label: say("trust.purpose"),
            choices: PURPOSES.map((value) => ({ value, label: say(`trust.${value}`) })),
          },
          {
            key: "profile",
            kind: "choice",
            label: say("people.profile"),
            choices: (["intl", "trial"] as const).map((value) => ({ value, label: say(`trust.${value}`) })),
          },
          {
            key: "state",
            kind: "choice",
            label: say("common.state"),
            choices: STATES.map((value) => ({ value, label: sayOr(`states.${value}`, value) })),
          },
        ]}
      />
      <PageTable
        label={say("trust.keys")}
        columns={columns}
        {...tableOf(found)}
        rowKey={(row) => row.id}
        isFiltered={isFiltered}
        empty={<Empty title={say("trust.keysEmpty")} />}
      />
    </div>
  );
}
