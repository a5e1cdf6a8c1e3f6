/** Customers: filtered by tier and reference, found by phone. */

import { ImportOutlined, PhoneOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Form, Input, Select } from "antd";
import { Link, useNavigate } from "react-router";
import { query } from "../../api/client";
import { Problem } from "../../api/problem";
import { CUSTOMER_TIERS, type Customer } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, StateTag, TierTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";

type CustomerTier = (typeof CUSTOMER_TIERS)[number];

export default function Customers() {
  const { say } = useText();
  const navigate = useNavigate();
  const { may } = useSession();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/customers", {
    params: {
      query: {
        ...page,
        sort: "-created",
        ...(values.tier ? { tier: values.tier as CustomerTier } : {}),
        ...(values.state ? { state: values.state as "present" | "erased" } : {}),
        ...(values.ref ? { bank_reference: values.ref } : {}),
      },
    },
  });
  const columns: Column<Customer>[] = [
    {
      key: "reference",
      title: say("customers.reference"),
      render: (row) => (
        <Link className="strong" to={`/customers/${row.id}`}>
          {row.bank_reference ?? say("customers.noName")}
        </Link>
      ),
    },
    { key: "tier", title: say("common.tier"), render: (row) => <TierTag tier={row.tier} />, nowrap: true },
    {
      key: "state",
      title: say("common.state"),
      render: (row) => (row.erased_ms ? <StateTag state="erased" /> : <StateTag state="active" />),
      nowrap: true,
    },
    { key: "id", title: say("common.id"), render: (row) => <CopyId value={row.id} />, nowrap: true },
    { key: "at", title: say("customers.since"), render: (row) => <Time ms={row.created_ms} />, nowrap: true },
  ];
  return (
    <PageFrame
      title={say("customers.title")}
      lead={say("customers.lead")}
      actions={
        <>
          {may("customer:personal") ? <FindByPhone /> : null}
          {may("customer:edit") ? (
            <>
              <Button icon={<ImportOutlined />} onClick={() => navigate("/customers/import")}>
                {say("customers.import")}
              </Button>
              <NewCustomer />
            </>
          ) : null}
        </>
      }
    >
      <Panel flush>
        <FilterBar
          filters={[
            { key: "ref", kind: "text", label: say("customers.reference") },
            {
              key: "tier",
              kind: "choice",
              label: say("common.tier"),
              choices: CUSTOMER_TIERS.map((value) => ({ value, label: say(`tiers.${value}`) })),
            },
            {
              key: "state",
              kind: "choice",
              label: say("common.state"),
              choices: [
                { value: "present", label: say("customers.present") },
                { value: "erased", label: say("states.erased") },
              ],
            },
          ]}
        />
        <PageTable
          label={say("customers.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.id}
          href={(row) => `/customers/${row.id}`}
          isFiltered={isFiltered}
          empty={<Empty title={say("customers.emptyTitle")} />}
        />
      </Panel>
    </PageFrame>
  );
}

function FindByPhone() {
  const { say } = useText();
  const navigate = useNavigate();
  const search = query.useMutation("post", "/customers/search");
  return (
    <FormDialog<{ phone: string }>
      label={say("customers.byPhone")}
      icon={<PhoneOutlined />}
      title={say("customers.byPhone")}
      lead={say("customers.byPhoneHint")}
      submit={say("customers.find")}
      doneText=""
      byCode={{ phone_invalid: ["phone"], no_such_phone: ["phone"] }}
      onSubmit={async (body) => {
        const { items } = await search.mutateAsync({ body });
        if (!items[0]) throw new Problem(404, "no_such_phone", say("customers.noneFound"));
        navigate(`/customers/${items[0].id}`);
      }}
    >
      <Form.Item name="phone" label={say("customers.phone")} rules={[{ required: true }]}>
        <Input type="tel" placeholder="+8613800000001" autoFocus />
      </Form.Item>
    </FormDialog>
  );
}

type NewValues = { bank_reference?: string; tier: CustomerTier; name?: string; phone?: string; email?: string };

function NewCustomer() {
  const { say } = useText();
  const act = useAct();
  const navigate = useNavigate();
  const create = query.useMutation("post", "/customers");
  return (
    <FormDialog<NewValues>
      label={say("customers.create")}
      type="primary"
      icon={<PlusOutlined />}
      title={say("customers.create")}
      submit={say("customers.create")}
      initial={{ tier: "registered" }}
      byCode={{ reference_taken: ["bank_reference"], phone_taken: ["phone"], phone_invalid: ["phone"] }}
      rename={(path) => (path[0] === "personal" ? path.slice(1) : path)}
      onSubmit={async ({ bank_reference, tier, ...personal }) => {
        const made = await act(() =>
          create.mutateAsync({
            body: {
              bank_reference: bank_reference || null,
              tier,
              personal: { name: "", phone: "", email: "", lang: "", extra: {}, ...given(personal) },
            },
          }),
        );
        navigate(`/customers/${made.id}`);
      }}
    >
      <Form.Item name="bank_reference" label={say("customers.reference")}>
        <Input autoFocus />
      </Form.Item>
      <Form.Item name="tier" label={say("common.tier")} rules={[{ required: true }]}>
        <Select options={CUSTOMER_TIERS.map((value) => ({ value, label: say(`tiers.${value}`) }))} />
      </Form.Item>
      <Form.Item name="name" label={say("customers.name")}>
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item name="phone" label={say("customers.phone")}>
        <Input type="tel" placeholder="+8613800000001" autoComplete="off" />
      </Form.Item>
      <Form.Item name="email" label={say("customers.email")}>
        <Input type="email" autoComplete="off" />
      </Form.Item>
    </FormDialog>
  );
}

function given(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1])));
}
