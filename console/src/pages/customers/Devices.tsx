/** A customer's devices, with what each may carry. */

import { query } from "../../api/client";
import type { Device } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, StateTag, Tag, TierTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";

export function Devices({ customer }: { customer: string }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { cursor, size, pagesOf } = useCursor(customer, 20);
  const found = query.useQuery("get", "/customers/{customer_id}/devices", {
    params: { path: { customer_id: customer }, query: { limit: size, ...(cursor ? { cursor } : {}) } },
  });
  const signOut = query.useMutation("post", "/customers/{customer_id}/devices/{device_id}/sign-out");
  const revoke = query.useMutation("post", "/devices/{device_id}/revoke");
  const columns: Column<Device>[] = [
    { key: "id", title: say("common.id"), render: (row) => <CopyId value={row.id} /> },
    { key: "app", title: say("customers.clientApp"), render: (row) => row.client_app },
    { key: "carries", title: say("customers.carries"), render: (row) => <TierTag tier={row.carries} />, nowrap: true },
    {
      key: "state",
      title: say("common.state"),
      render: (row) =>
        row.revoked ? (
          <StateTag state="revoked" />
        ) : (
          <Tag tone={row.signed_in ? "good" : "neutral"}>
            {say(row.signed_in ? "customers.signedIn" : "customers.signedOut")}
          </Tag>
        ),
      nowrap: true,
    },
    { key: "seen", title: say("customers.seen"), render: (row) => <Time ms={row.seen_ms} />, nowrap: true },
    {
      key: "do",
      title: say("common.actions"),
      render: (row) =>
        may("customer:sign_out") && !row.revoked ? (
          <span className="row">
            {row.signed_in ? (
              <ConfirmAction
                label={say("customers.signOutDevice")}
                size="small"
                title={say("customers.signOutDeviceTitle")}
                what={say("customers.signOutWhat")}
                onConfirm={() =>
                  act(() => signOut.mutateAsync({ params: { path: { customer_id: customer, device_id: row.id } } }))
                }
              />
            ) : null}
            <ConfirmAction
              label={say("customers.revoke")}
              size="small"
              danger
              title={say("customers.revokeTitle")}
              what={say("customers.revokeWhat")}
              onConfirm={() => act(() => revoke.mutateAsync({ params: { path: { device_id: row.id } } }))}
            />
          </span>
        ) : null,
    },
  ];
  return (
    <Panel title={say("customers.devices")} flush>
      <PageTable
        label={say("customers.devices")}
        columns={columns}
        rows={found.data?.items}
        rowKey={(row) => row.id}
        error={found.error}
        onRetry={() => found.refetch()}
        pages={pagesOf(found.data)}
        empty={<Empty title={say("customers.devicesEmpty")} />}
      />
    </Panel>
  );
}
