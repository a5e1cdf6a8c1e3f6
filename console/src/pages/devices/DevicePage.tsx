/** One device: its key, who is and who was signed in on it; signing out and revoking. */

import { useParams } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { CopyId, TierTag, Time } from "../../design/Small";
import { Empty, Fetch } from "../../design/States";
import { shortDigest } from "../../design/size";
import { useText } from "../../i18n";
import { ExplainLink } from "../explain/ExplainLink";
import { DeviceState, Owner } from "./DeviceList";

type Device = components["schemas"]["DeviceDetail"];
type OwnerRow = components["schemas"]["OwnerAnswer"];

export default function DevicePage() {
  const { say } = useText();
  const { device = "" } = useParams();
  const found = query.useQuery("get", "/devices/{device_id}", { params: { path: { device_id: device } } });
  return (
    <PageFrame
      title={`${say("devices.one")} ${shortDigest(device)}`}
      crumbs={[{ title: say("devices.title"), to: "/devices" }]}
      tags={found.data ? <DeviceState device={found.data} /> : null}
      actions={
        found.data ? (
          <>
            <ExplainLink device={found.data.id} />
            <Actions device={found.data} />
          </>
        ) : null
      }
    >
      <Fetch of={found}>
        {(one) => (
          <div className="columns">
            <Owners rows={one.owners} />
            <Panel title={say("common.details")}>
              <Facts
                one
                items={[
                  { label: say("devices.customer"), value: <Owner id={one.customer} /> },
                  { label: say("customers.clientApp"), value: one.client_app },
                  { label: say("devices.model"), value: one.model || "—" },
                  {
                    label: say("devices.limit"),
                    value: (
                      <>
                        <TierTag tier={one.carries} />
                        <div className="sub">{say("devices.limitHint")}</div>
                      </>
                    ),
                  },
                  { label: say("customers.seen"), value: <Time ms={one.seen_ms} absolute /> },
                  { label: say("devices.first"), value: <Time ms={one.created_ms} absolute /> },
                  { label: say("devices.epoch"), value: <span className="num">{one.epoch}</span> },
                  { label: say("devices.thumbprint"), value: <CopyId value={one.thumbprint} whole /> },
                  { label: say("common.id"), value: <CopyId value={one.id} whole /> },
                ]}
              />
            </Panel>
          </div>
        )}
      </Fetch>
    </PageFrame>
  );
}

function Actions({ device }: { device: Device }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const signOut = query.useMutation("post", "/customers/{customer_id}/devices/{device_id}/sign-out");
  const revoke = query.useMutation("post", "/devices/{device_id}/revoke");
  const { customer, id } = device;
  if (device.revoked || !may("customer:sign_out")) return null;
  return (
    <>
      <ConfirmAction
        label={say("customers.revoke")}
        danger
        title={say("customers.revokeTitle")}
        what={say("customers.revokeWhat")}
        onConfirm={() => act(() => revoke.mutateAsync({ params: { path: { device_id: id } } }))}
      />
      {customer ? (
        <ConfirmAction
          label={say("customers.signOutDevice")}
          title={say("customers.signOutDeviceTitle")}
          what={say("customers.signOutOneWhat")}
          onConfirm={() =>
            act(() => signOut.mutateAsync({ params: { path: { customer_id: customer, device_id: id } } }))
          }
        />
      ) : null}
    </>
  );
}

function Owners({ rows: all }: { rows: readonly OwnerRow[] }) {
  const { say } = useText();
  const { rows, pages } = useLocalPages(all, all.length, 25);
  const columns: Column<OwnerRow>[] = [
    { key: "customer", title: say("devices.anyCustomer"), render: (row) => <Owner id={row.customer} />, nowrap: true },
    {
      key: "assurance",
      title: say("customers.assurance"),
      render: (row) => <TierTag tier={row.assurance} />,
      nowrap: true,
    },
    { key: "first", title: say("devices.firstSignIn"), render: (row) => <Time ms={row.first_sign_in_ms} /> },
    { key: "last", title: say("customers.lastSignIn"), render: (row) => <Time ms={row.last_sign_in_ms} /> },
  ];
  return (
    <Panel title={say("devices.owners")} hint={say("devices.ownersHint")} flush>
      <PageTable
        label={say("devices.owners")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.customer}
        pages={pages}
        empty={<Empty title={say("devices.ownersEmpty")} />}
      />
    </Panel>
  );
}
