/** All devices, by when they last began a session. */

import { Link } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { StateTag, Tag, TierTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { shortDigest } from "../../design/size";
import { useText } from "../../i18n";

type Row = components["schemas"]["KnownDeviceAnswer"];

export default function DeviceList() {
  const { say } = useText();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/devices", {
    params: {
      query: {
        ...page,
        ...(values.client_app ? { client_app: values.client_app } : {}),
        ...(values.customer ? { customer: values.customer } : {}),
        ...(values.signed_in ? { signed_in: values.signed_in === "yes" } : {}),
        ...(values.state ? { revoked: values.state === "revoked" } : {}),
      },
    },
  });
  const columns: Column<Row>[] = [
    {
      key: "id",
      title: say("common.id"),
      render: (row) => (
        <Link className="strong mono" to={`/devices/${row.id}`} title={row.id}>
          {shortDigest(row.id)}
        </Link>
      ),
      nowrap: true,
    },
    { key: "app", title: say("customers.clientApp"), render: (row) => row.client_app },
    { key: "model", title: say("devices.model"), render: (row) => row.model || <span className="faint">—</span> },
    { key: "customer", title: say("devices.customer"), render: (row) => <Owner id={row.customer} /> },
    { key: "limit", title: say("devices.limit"), render: (row) => <TierTag tier={row.carries} />, nowrap: true },
    { key: "state", title: say("common.state"), render: (row) => <DeviceState device={row} />, nowrap: true },
    { key: "seen", title: say("customers.seen"), render: (row) => <Time ms={row.seen_ms} />, nowrap: true },
  ];
  return (
    <PageFrame title={say("devices.title")} lead={say("devices.lead")}>
      <Panel flush>
        <FilterBar
          filters={[
            { key: "client_app", kind: "text", label: say("devices.clientAppId") },
            { key: "customer", kind: "text", label: say("devices.customerId") },
            {
              key: "signed_in",
              kind: "choice",
              label: say("devices.signedIn"),
              choices: [
                { value: "yes", label: say("customers.signedIn") },
                { value: "no", label: say("customers.signedOut") },
              ],
            },
            {
              key: "state",
              kind: "choice",
              label: say("common.state"),
              choices: [
                { value: "usable", label: say("devices.usable") },
                { value: "revoked", label: say("states.revoked") },
              ],
            },
          ]}
        />
        <PageTable
          label={say("devices.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.id}
          href={(row) => `/devices/${row.id}`}
          isFiltered={isFiltered}
          empty={<Empty title={say("devices.empty")} hint={say("devices.emptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}

/** Who is signed in on a device, as a link to the customer. */
export function Owner({ id }: { id: string | null }) {
  const { say } = useText();
  if (id === null) return <span className="faint">{say("devices.nobody")}</span>;
  return (
    <Link className="mono" to={`/customers/${id}`} title={id}>
      {shortDigest(id)}
    </Link>
  );
}

/** Whether a device is revoked, and otherwise whether somebody is signed in on it. */
export function DeviceState({ device }: { device: Pick<Row, "revoked" | "customer"> }) {
  const { say } = useText();
  if (device.revoked) return <StateTag state="revoked" />;
  return (
    <Tag tone={device.customer ? "good" : "neutral"}>
      {say(device.customer ? "customers.signedIn" : "customers.signedOut")}
    </Tag>
  );
}
