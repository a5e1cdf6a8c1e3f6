/** A customer's devices, with what each may carry. */

import { Form, Select } from "antd";
import { Link } from "react-router";
import { query } from "../../api/client";
import { CUSTOMER_TIERS, type Device } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FormDialog } from "../../design/FormDialog";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { StateTag, Tag, TierTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { shortDigest } from "../../design/size";
import { useText } from "../../i18n";

export function Devices({ customer }: { customer: string }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { page, tableOf } = useCursor(customer, 20);
  const found = query.useQuery("get", "/customers/{customer_id}/devices", {
    params: { path: { customer_id: customer }, query: { ...page } },
  });
  const signOut = query.useMutation("post", "/customers/{customer_id}/devices/{device_id}/sign-out");
  const revoke = query.useMutation("post", "/devices/{device_id}/revoke");
  const columns: Column<Device>[] = [
    {
      key: "id",
      title: say("common.id"),
      render: (row) => (
        <Link className="mono" to={`/devices/${row.id}`} title={row.id}>
          {shortDigest(row.id)}
        </Link>
      ),
      nowrap: true,
    },
    { key: "app", title: say("customers.clientApp"), render: (row) => row.client_app },
    {
      key: "assurance",
      title: say("customers.assurance"),
      render: (row) => <TierTag tier={row.assurance} />,
      nowrap: true,
    },
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
        row.revoked ? null : (
          <span className="row">
            {may("customer:tier") ? <Assurance customer={customer} device={row} /> : null}
            {row.signed_in && may("customer:sign_out") ? (
              <ConfirmAction
                label={say("customers.signOutDevice")}
                size="small"
                title={say("customers.signOutDeviceTitle")}
                what={say("customers.signOutOneWhat")}
                onConfirm={() =>
                  act(() => signOut.mutateAsync({ params: { path: { customer_id: customer, device_id: row.id } } }))
                }
              />
            ) : null}
            {may("customer:sign_out") ? (
              <ConfirmAction
                label={say("customers.revoke")}
                size="small"
                danger
                title={say("customers.revokeTitle")}
                what={say("customers.revokeWhat")}
                onConfirm={() => act(() => revoke.mutateAsync({ params: { path: { device_id: row.id } } }))}
              />
            ) : null}
          </span>
        ),
    },
  ];
  return (
    <Panel title={say("customers.devices")} flush>
      <PageTable
        label={say("customers.devices")}
        columns={columns}
        {...tableOf(found)}
        rowKey={(row) => row.id}
        empty={<Empty title={say("customers.devicesEmpty")} hint={say("customers.devicesEmptyHint")} />}
      />
    </Panel>
  );
}

type CustomerTier = (typeof CUSTOMER_TIERS)[number];

/** Sets what the customer may carry on the device. */
function Assurance({ customer, device }: { customer: string; device: Device }) {
  const { say } = useText();
  const act = useAct();
  const put = query.useMutation("put", "/customers/{customer_id}/devices/{device_id}/assurance");
  const params = { path: { customer_id: customer, device_id: device.id } };
  const present = CUSTOMER_TIERS.find((tier) => tier === device.assurance);
  return (
    <FormDialog<{ tier: CustomerTier }>
      label={say("customers.setAssurance")}
      size="small"
      title={say("customers.assuranceTitle")}
      lead={say("customers.assuranceLead")}
      submit={say("common.save")}
      initial={present ? { tier: present } : {}}
      onSubmit={(body) => act(() => put.mutateAsync({ params, body }))}
    >
      <Form.Item name="tier" label={say("common.tier")} rules={[{ required: true }]}>
        <Select options={CUSTOMER_TIERS.map((value) => ({ value, label: say(`tiers.${value}`) }))} />
      </Form.Item>
    </FormDialog>
  );
}
