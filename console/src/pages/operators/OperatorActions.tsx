/** What can be done with an account; narrowing is in force at once, widening waits for a second administrator. */

import { MoreOutlined } from "@ant-design/icons";
import { Button, Form, Input } from "antd";
import { useState } from "react";
import { query } from "../../api/client";
import type { Operator } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Note, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { SideSheet, TakesFocus } from "../../design/Dialog";
import { FormDialog } from "../../design/FormDialog";
import { CopyId, Tag, Time } from "../../design/Small";
import { useText } from "../../i18n";
import { GrantFields, type GrantValues, grantOf } from "./GrantFields";
import { renameGrant } from "./Operators";
import { useRoleName } from "./roles";

export function OperatorActions({ operator }: { operator: Operator }) {
  const { say } = useText();
  const { may, me } = useSession();
  const [isOpen, setOpen] = useState(false);
  if (!may("operator:propose") && !may("operator:disable")) return null;
  return (
    <>
      <Button size="small" icon={<MoreOutlined />} aria-haspopup="dialog" onClick={() => setOpen(true)}>
        {say("common.actions")}
      </Button>
      <SideSheet isOpen={isOpen} onClose={() => setOpen(false)} title={operator.name} size={460}>
        <TakesFocus>
          {operator.id === me.operator ? null : <AccountActs operator={operator} />}
          <Grants operator={operator} />
        </TakesFocus>
      </SideSheet>
    </>
  );
}

function Grants({ operator }: { operator: Operator }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const roleName = useRoleName();
  const add = query.useMutation("post", "/operators/{operator_id}/grants");
  const remove = query.useMutation("delete", "/operators/{operator_id}/grants/{grant_id}");
  return (
    <Panel title={say("people.roles")}>
      <div className="stack">
        {operator.grants.map((grant) => (
          <div className="row between" key={grant.id}>
            <Tag tone="brand">
              {roleName(grant.role)}
              {grant.app || grant.publisher ? ` · ${grant.app ?? grant.publisher}` : ""}
            </Tag>
            {may("operator:disable") ? (
              <ConfirmAction
                label={say("common.remove")}
                size="small"
                danger
                title={say("people.removeGrant", { role: roleName(grant.role) })}
                what={say("people.removeGrantWhat")}
                onConfirm={() =>
                  act(() => remove.mutateAsync({ params: { path: { operator_id: operator.id, grant_id: grant.id } } }))
                }
              />
            ) : null}
          </div>
        ))}
        {may("operator:propose") ? (
          <FormDialog<GrantValues & { note?: string }>
            label={say("people.grant")}
            title={say("people.grant")}
            submit={say("people.grant")}
            doneText={say("common.waitsForSecond")}
            byCode={{ bad_grant: ["role"], unknown_role: ["role"] }}
            rename={renameGrant}
            onSubmit={({ note, ...grant }) =>
              act(() =>
                add.mutateAsync({
                  params: { path: { operator_id: operator.id } },
                  body: { grants: [grantOf(grant)], note: note ?? "" },
                }),
              )
            }
          >
            <GrantFields />
            <Form.Item name="note" label={say("common.note")}>
              <Input.TextArea autoSize={{ minRows: 2 }} />
            </Form.Item>
          </FormDialog>
        ) : null}
      </div>
    </Panel>
  );
}

function AccountActs({ operator }: { operator: Operator }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const disable = query.useMutation("post", "/operators/{operator_id}/disable");
  const enable = query.useMutation("post", "/operators/{operator_id}/enable");
  const reset = query.useMutation("post", "/operators/{operator_id}/reset");
  const link = query.useMutation("post", "/operators/{operator_id}/setup-link");
  const params = { path: { operator_id: operator.id } };
  const name = operator.name;
  const isActive = operator.state === "active";
  return (
    <Panel title={operator.email}>
      <div className="stack">
        <div className="row">
          {isActive && may("operator:disable") ? (
            <ConfirmAction
              label={say("people.disable")}
              danger
              title={say("people.disableTitle", { name })}
              what={say("people.disableWhat")}
              onConfirm={() => act(() => disable.mutateAsync({ params }))}
            />
          ) : null}
          {!isActive && may("operator:propose") ? (
            <ConfirmAction
              label={say("people.enable")}
              title={say("people.enableTitle", { name })}
              what={say("changes.lead")}
              reason="optional"
              reasonField="note"
              done={say("common.waitsForSecond")}
              onConfirm={(note) => act(() => enable.mutateAsync({ params, body: { note } }))}
            />
          ) : null}
          {isActive && may("operator:propose") ? (
            <ConfirmAction
              label={say("people.reset")}
              title={say("people.resetTitle", { name })}
              what={say("people.resetWhat")}
              reason="optional"
              reasonField="note"
              done={say("common.waitsForSecond")}
              onConfirm={(note) => act(() => reset.mutateAsync({ params, body: { note } }))}
            />
          ) : null}
          {operator.setup_allowed_until_ms > Date.now() && may("operator:propose") ? (
            <ConfirmAction
              label={say("people.setupLink")}
              title={say("people.setupLink")}
              what={operator.email}
              onConfirm={() => act(() => link.mutateAsync({ params }))}
            />
          ) : null}
        </div>
        {link.data ? (
          <Note tone="warn">
            <div>
              {say("people.setupLinkHint")} <Time ms={link.data.expires_ms} absolute />
            </div>
            <CopyId value={link.data.link} whole />
          </Note>
        ) : null}
      </div>
    </Panel>
  );
}
