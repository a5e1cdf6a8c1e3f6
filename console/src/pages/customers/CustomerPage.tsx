/** One customer: tier, devices, history; personal data only when asked for, and the asking is audited. */

import { EyeOutlined } from "@ant-design/icons";
import { Button, Form, Input, Select } from "antd";
import { useState } from "react";
import { useParams } from "react-router";
import { query } from "../../api/client";
import { CUSTOMER_TIERS, type Customer } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Note, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { CopyId, StateTag, TierTag, Time } from "../../design/Small";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { ExplainLink } from "../explain/ExplainLink";
import { CustomerHistory } from "./CustomerHistory";
import { Devices } from "./Devices";

export default function CustomerPage() {
  const { say } = useText();
  const { customer = "" } = useParams();
  const { may } = useSession();
  const found = query.useQuery("get", "/customers/{customer_id}", { params: { path: { customer_id: customer } } });
  const item = found.data;
  return (
    <PageFrame
      title={item?.bank_reference ?? say("customers.noName")}
      crumbs={[{ title: say("customers.title"), to: "/customers" }]}
      tags={
        item ? (
          <>
            <TierTag tier={item.tier} />
            {item.erased_ms ? <StateTag state="erased" /> : null}
          </>
        ) : null
      }
      actions={
        item && !item.erased_ms ? (
          <>
            <ExplainLink customer={item.id} />
            <CustomerActions customer={item} />
          </>
        ) : null
      }
    >
      <Fetch of={found}>
        {(one) => (
          <div className="columns">
            <div className="stack">
              <Devices customer={one.id} />
              <CustomerHistory customer={one.id} />
            </div>
            <div className="stack">
              <Panel title={say("common.details")}>
                <Facts
                  one
                  items={[
                    { label: say("customers.reference"), value: one.bank_reference ?? "—" },
                    { label: say("customers.since"), value: <Time ms={one.created_ms} absolute /> },
                    { label: say("common.id"), value: <CopyId value={one.id} whole /> },
                  ]}
                />
              </Panel>
              {may("customer:personal") ? <Personal customer={one} /> : null}
            </div>
          </div>
        )}
      </Fetch>
    </PageFrame>
  );
}

function Personal({ customer }: { customer: Customer }) {
  const { say } = useText();
  const [isShown, setShown] = useState(false);
  const found = query.useQuery(
    "get",
    "/customers/{customer_id}/personal",
    { params: { path: { customer_id: customer.id } } },
    {
      enabled: isShown && !customer.erased_ms,
      gcTime: 0,
      refetchOnWindowFocus: false,
      staleTime: Number.POSITIVE_INFINITY,
    },
  );
  return (
    <Panel title={say("customers.personal")}>
      {customer.erased_ms ? (
        <Note tone="neutral">{say("customers.personalErased")}</Note>
      ) : isShown ? (
        <Fetch of={found} lines={3}>
          {(data) => (
            <Facts
              one
              items={[
                { label: say("customers.name"), value: data.name || "—" },
                { label: say("customers.phone"), value: data.phone || "—" },
                { label: say("customers.email"), value: data.email || "—" },
                data.lang ? { label: say("customers.language"), value: data.lang } : null,
                ...Object.entries(data.extra ?? {}).map(([label, value]) => ({ label, value })),
              ]}
            />
          )}
        </Fetch>
      ) : (
        <div className="stack tight" style={{ alignItems: "flex-start" }}>
          <span className="muted">{say("customers.personalHint")}</span>
          <Button icon={<EyeOutlined />} onClick={() => setShown(true)}>
            {say("customers.showPersonal")}
          </Button>
        </div>
      )}
    </Panel>
  );
}

type TierValues = { tier: (typeof CUSTOMER_TIERS)[number]; reason?: string };

function CustomerActions({ customer }: { customer: Customer }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const put = query.useMutation("put", "/customers/{customer_id}/tier");
  const signOut = query.useMutation("post", "/customers/{customer_id}/sign-out");
  const erase = query.useMutation("post", "/customers/{customer_id}/erase");
  const params = { path: { customer_id: customer.id } };
  return (
    <>
      {may("customer:erase") ? (
        <ConfirmAction
          label={say("customers.erase")}
          danger
          title={say("customers.eraseTitle")}
          what={say("customers.eraseWhat")}
          done={say("customers.erased")}
          onConfirm={() => act(() => erase.mutateAsync({ params }))}
        />
      ) : null}
      {may("customer:sign_out") ? (
        <ConfirmAction
          label={say("customers.signOut")}
          title={say("customers.signOutTitle")}
          what={say("customers.signOutWhat")}
          reason="optional"
          onConfirm={(reason) => act(() => signOut.mutateAsync({ params, body: { reason } }))}
        />
      ) : null}
      {may("customer:tier") ? (
        <FormDialog<TierValues>
          label={say("customers.changeTier")}
          type="primary"
          title={say("customers.changeTier")}
          lead={say("customers.changeTierLead")}
          submit={say("common.save")}
          initial={customer.tier ? { tier: customer.tier } : {}}
          onSubmit={({ tier, reason }) => act(() => put.mutateAsync({ params, body: { tier, reason: reason ?? "" } }))}
        >
          <Form.Item name="tier" label={say("common.tier")} rules={[{ required: true }]}>
            <Select options={CUSTOMER_TIERS.map((value) => ({ value, label: say(`tiers.${value}`) }))} />
          </Form.Item>
          <Form.Item name="reason" label={say("common.reason")} extra={say("common.reasonHint")}>
            <Input.TextArea autoSize={{ minRows: 2 }} maxLength={500} />
          </Form.Item>
        </FormDialog>
      ) : null}
    </>
  );
}
