/** The trust trees: what waits for officers, roles and their expiry, public keys. */

import { App, Button, Form, Input, Select, Tabs } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { query } from "../../api/client";
import type { Tree, Waiting } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Note, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { Dialog } from "../../design/Dialog";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { CopyId, Person, Tag, Time } from "../../design/Small";
import { Empty, Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { Keys } from "./Keys";
import { useTrustRoleName } from "./roles";
import { RotateTokenKeys } from "./TokenKeys";

const SERVER_PURPOSES = ["adoption", "review", "intake", "snapshot", "timestamp", "control"] as const;

export default function Trust() {
  const { say, sayOr } = useText();
  const { may } = useSession();
  const trees = query.useQuery("get", "/trust/trees", {});
  const waiting = query.useQuery("get", "/trust/pending", { params: { query: { limit: 100 } } });
  return (
    <PageFrame
      title={say("trust.title")}
      lead={say("trust.lead")}
      actions={may("token_key:rotate") ? <RotateTokenKeys /> : null}
    >
      <Panel
        title={say("trust.waiting")}
        flush
        hint={
          waiting.data?.items.length ? (
            <>
              {say("trust.waitingHint")} <code>sampan trust sign</code>
            </>
          ) : null
        }
      >
        <Fetch of={waiting} lines={2}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={say("trust.waitingEmpty")} hint={say("trust.waitingEmptyHint")} />
            ) : (
              items.map((item) => <WaitingLine key={item.id} waiting={item} />)
            )
          }
        </Fetch>
      </Panel>
      <Fetch of={trees}>
        {({ items }) => (
          <Tabs
            items={[
              ...items.map((tree) => ({
                key: tree.profile,
                label: `${say("trust.tree", { profile: sayOr(`trust.${tree.profile}`, tree.profile) })}`,
                children: <TreePanel tree={tree} />,
              })),
              ...(may("trust:read") ? [{ key: "keys", label: say("trust.keys"), children: <Keys /> }] : []),
            ]}
          />
        )}
      </Fetch>
    </PageFrame>
  );
}

type Role = Tree["roles"][number];

function TreePanel({ tree }: { tree: Tree }) {
  const { say, sayOr } = useText();
  const { may } = useSession();
  const act = useAct();
  const roleName = useTrustRoleName();
  const renew = query.useMutation("post", "/trust/trees/{profile}/renewals");
  const sorted = [...tree.roles].sort((a, b) => a.expires_ms - b.expires_ms);
  const { rows, pages } = useLocalPages(sorted, tree.profile);
  const params = { path: { profile: tree.profile } };
  const columns: Column<Role>[] = [
    {
      key: "role",
      title: say("trust.role"),
      render: (row) => (
        <>
          <span className="strong">{roleName(row.role)}</span>
          {roleName(row.role) === row.role ? null : <code className="sub block">{row.role}</code>}
        </>
      ),
    },
    { key: "signer", title: say("trust.signer"), render: (row) => sayOr(`trust.${row.signer}`, row.signer) },
    { key: "version", title: say("trust.version"), right: true, render: (row) => row.version },
    { key: "expires", title: say("trust.expires"), render: (row) => <Time ms={row.expires_ms} />, nowrap: true },
    {
      key: "due",
      title: say("common.state"),
      render: (row) => <Tag tone={row.is_due ? "warn" : "good"}>{say(row.is_due ? "trust.due" : "trust.fine")}</Tag>,
      nowrap: true,
    },
    ...(may("trust:manage")
      ? [
          {
            key: "do",
            title: say("common.actions"),
            render: (row: Role) =>
              row.signer === "officers" ? (
                <ConfirmAction
                  label={say("trust.renew")}
                  size="small"
                  title={say("trust.renewTitle", { role: roleName(row.role) })}
                  what={say("trust.renewWhat")}
                  onConfirm={() => act(() => renew.mutateAsync({ params, body: { role: row.role } }))}
                />
              ) : row.is_due && row.role.startsWith("app.") ? (
                <Link to={`/apps/${row.role.slice("app.".length)}`}>{say("trust.renewByPublisher")}</Link>
              ) : null,
          },
        ]
      : []),
  ];
  return (
    <Panel
      flush
      title={
        <Tag tone={tree.is_up_to_date ? "good" : "bad"}>
          {say(tree.is_up_to_date ? "trust.upToDate" : "trust.behind")}
        </Tag>
      }
      hint={<Time ms={tree.exposed_ms} />}
      extra={may("trust:manage") ? <Rotate profile={tree.profile} /> : null}
    >
      {tree.is_started ? (
        <PageTable label={tree.profile} columns={columns} rows={rows} rowKey={(row) => row.role} pages={pages} />
      ) : (
        <Empty title={say("trust.notStarted")} />
      )}
    </Panel>
  );
}

type Purpose = (typeof SERVER_PURPOSES)[number];

function Rotate({ profile }: { profile: string }) {
  const { say } = useText();
  const act = useAct();
  const rotate = query.useMutation("post", "/trust/trees/{profile}/rotations");
  return (
    <FormDialog<{ purpose: Purpose }>
      label={say("trust.rotate")}
      size="small"
      title={say("trust.rotateTitle")}
      lead={say("trust.rotateLead")}
      submit={say("trust.rotate")}
      doneText={say("trust.renewWhat")}
      byCode={{ trust_purpose_refused: ["purpose"], trust_rotation_waiting: ["purpose"] }}
      onSubmit={(body) => act(() => rotate.mutateAsync({ params: { path: { profile } }, body }))}
    >
      <Form.Item name="purpose" label={say("trust.purpose")} rules={[{ required: true }]}>
        <Select options={SERVER_PURPOSES.map((value) => ({ value, label: say(`trust.${value}`) }))} />
      </Form.Item>
    </FormDialog>
  );
}

function WaitingLine({ waiting }: { waiting: Waiting }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { message } = App.useApp();
  const [isShown, setShown] = useState(false);
  const sign = query.useMutation("post", "/trust/pending/{pending_id}/signatures");
  const remove = query.useMutation("delete", "/trust/requests/{request_id}");
  const { may_sign: all, have_signed: have } = waiting.progress;
  return (
    <div className="todo" style={{ flexWrap: "wrap" }}>
      <span className="what">
        <span className="row">
          <code className="strong">{waiting.role}</code>
          <Tag>{waiting.profile}</Tag>
          <span className="small muted">
            {say("trust.version")} {waiting.version}
          </span>
        </span>
        {waiting.requests.map((item) => (
          <div className="row small muted" key={item.id}>
            <span>
              {item.kind} {item.app}
            </span>
            <Person id={item.asked_by} />
            <Time ms={item.created_ms} />
            {may("trust:manage") && item.state === "waiting" ? (
              <ConfirmAction
                label={say("trust.takeBack")}
                size="small"
                type="link"
                title={say("trust.takeBackTitle")}
                what={say("trust.takeBackWhat")}
                onConfirm={() => act(() => remove.mutateAsync({ params: { path: { request_id: item.id } } }))}
              />
            ) : null}
          </div>
        ))}
      </span>
      <span style={{ width: 150 }}>
        <span className="small muted">{say("trust.signed", { have: have.length, all: all.length })}</span>
        <div className="meter">
          <i style={{ width: `${(100 * have.length) / Math.max(all.length, 1)}%` }} />
        </div>
      </span>
      <span className="row">
        <Button size="small" aria-haspopup="dialog" onClick={() => setShown(true)}>
          {say("common.details")}
        </Button>
        {may("trust:sign") ? (
          <FormDialog<{ key: string; signature: string }>
            label={say("trust.handIn")}
            size="small"
            title={say("trust.handIn")}
            lead={say("trust.handInLead")}
            submit={say("trust.handIn")}
            doneText=""
            byCode={{ trust_not_an_officer: ["key"], signature_wrong: ["signature"], trust_key_unknown: ["key"] }}
            onSubmit={async (body) => {
              await act(() => sign.mutateAsync({ params: { path: { pending_id: waiting.id } }, body }));
              message.success(say("trust.handedIn"));
            }}
          >
            <Form.Item name="key" label={say("trust.key")} rules={[{ required: true }]}>
              <Select options={all.filter((key) => !have.includes(key)).map((value) => ({ value, label: value }))} />
            </Form.Item>
            <Form.Item name="signature" label={say("trust.signature")} rules={[{ required: true }]}>
              <Input.TextArea className="mono" autoSize={{ minRows: 3 }} spellCheck={false} />
            </Form.Item>
          </FormDialog>
        ) : null}
      </span>
      <Dialog isOpen={isShown} title={waiting.role} onClose={() => setShown(false)} width={760}>
        <Note tone="neutral">
          {say("trust.signatures")}: {have.map((key) => key.slice(0, 12)).join(", ") || say("common.none")}
        </Note>
        <CopyId value={waiting.id} whole />
        <pre className="mono small" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere", margin: 0 }}>
          {pretty(waiting.body)}
        </pre>
      </Dialog>
    </div>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
