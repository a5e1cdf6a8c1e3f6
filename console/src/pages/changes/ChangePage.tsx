/** One change request with its diff, and the decision of a second person about exactly this edition. */

import { EditOutlined } from "@ant-design/icons";
import { Form, Input } from "antd";
import { useParams } from "react-router";
import { query } from "../../api/client";
import type { Change } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Note, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { DiffView } from "../../design/DiffView";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { CopyId, Person, StateTag, Time } from "../../design/Small";
import { Fetch } from "../../design/States";
import { shortDigest } from "../../design/size";
import { kindKey, useText } from "../../i18n";
import { useNamed } from "../apps/names";

export default function ChangePage() {
  const { say, sayOr } = useText();
  const { change = "" } = useParams();
  const named = useNamed();
  const found = query.useQuery("get", "/changes/{change_id}", { params: { path: { change_id: change } } });
  const title = found.data ? sayOr(kindKey(found.data.kind), found.data.kind) : say("changes.title");
  return (
    <PageFrame
      title={title}
      crumbs={[{ title: say("changes.title"), to: "/changes" }]}
      tags={found.data ? <StateTag state={found.data.state} /> : null}
      lead={
        found.data
          ? [named(found.data.target_name), found.data.note].filter((part) => part !== "").join(" · ")
          : undefined
      }
    >
      <Fetch of={found}>
        {(item) => (
          <div className="columns">
            <div className="stack">
              <Panel title={say("changes.effect")} flush>
                <DiffView lines={item.diff} />
              </Panel>
              <details className="panel">
                <summary>{say("changes.raw")}</summary>
                <pre className="mono small wrap panel-body">{JSON.stringify(item.payload, null, 2)}</pre>
              </details>
            </div>
            <div className="stack">
              <ChangeDecision change={item} />
              <Panel title={say("common.details")}>
                <Facts
                  one
                  items={[
                    { label: say("changes.maker"), value: <Person id={item.maker.operator} name={item.maker.name} /> },
                    { label: say("common.created"), value: <Time ms={item.created_ms} /> },
                    {
                      label: `${say("changes.approvals")} ${say("changes.approvalsOf", {
                        n: item.approvals.length,
                        needed: item.approvers_needed,
                      })}`,
                      value: item.approvals.length
                        ? item.approvals.map((one) => <Person key={one.person} id={one.operator} name={one.name} />)
                        : say("changes.noneYet"),
                    },
                    item.decided_ms
                      ? { label: say("changes.decided"), value: <Time ms={item.decided_ms} /> }
                      : { label: say("changes.expires"), value: <Time ms={item.expires_ms} /> },
                    item.reason ? { label: say("changes.why"), value: item.reason } : null,
                    {
                      label: say("changes.target"),
                      value: (
                        <>
                          {item.target_name ? <div>{named(item.target_name)}</div> : null}
                          <CopyId value={item.target} whole />
                        </>
                      ),
                    },
                    { label: say("common.digest"), value: <CopyId value={item.digest} whole /> },
                    item.edition > 1 ? { label: say("changes.edition"), value: item.edition } : null,
                  ]}
                />
              </Panel>
            </div>
          </div>
        )}
      </Fetch>
    </PageFrame>
  );
}

function ChangeDecision({ change }: { change: Change }) {
  const { say } = useText();
  const { me, may } = useSession();
  const act = useAct();
  const kinds = query.useQuery("get", "/changes/kinds", {}, { staleTime: 600_000 });
  const approve = query.useMutation("post", "/changes/{change_id}/approve");
  const reject = query.useMutation("post", "/changes/{change_id}/reject");
  const withdraw = query.useMutation("post", "/changes/{change_id}/withdraw");
  if (change.state !== "proposed") return null;
  const path = { params: { path: { change_id: change.id } } };
  if (change.maker.person === me.person)
    return (
      <Panel title={say("changes.decision")}>
        <div className="stack">
          <Note>{say("changes.ownHint")}</Note>
          <div className="row">
            <EditChange change={change} />
            <ConfirmAction
              label={say("changes.withdraw")}
              danger
              title={say("changes.withdrawTitle")}
              what={say("changes.withdrawWhat")}
              onConfirm={() => act(() => withdraw.mutateAsync(path))}
            />
          </div>
        </div>
      </Panel>
    );
  const needed = kinds.data?.items.find((item) => item.name === change.kind)?.approve ?? "";
  if (kinds.data && !may(needed))
    return <Note tone="neutral">{say("changes.cannotHint", { permission: needed })}</Note>;
  return (
    <Panel title={say("changes.decision")}>
      <div className="row">
        <ConfirmAction
          label={say("changes.approve")}
          type="primary"
          title={say("changes.approveTitle")}
          what={say("changes.approveWhat", { digest: shortDigest(change.digest) })}
          done={say("changes.approved")}
          onConfirm={() => act(() => approve.mutateAsync({ ...path, body: { digest: change.digest } }))}
        />
        <ConfirmAction
          label={say("changes.reject")}
          danger
          title={say("changes.rejectTitle")}
          what={say("changes.rejectWhat")}
          reason="required"
          onConfirm={(reason) => act(() => reject.mutateAsync({ ...path, body: { reason } }))}
        />
      </div>
    </Panel>
  );
}

type EditValues = { payload: string; note: string };

function EditChange({ change }: { change: Change }) {
  const { say } = useText();
  const act = useAct();
  const put = query.useMutation("put", "/changes/{change_id}");
  return (
    <FormDialog<EditValues>
      label={say("changes.edit")}
      icon={<EditOutlined />}
      title={say("changes.editTitle")}
      lead={say("changes.editLead")}
      submit={say("common.save")}
      width={680}
      initial={{ payload: JSON.stringify(change.payload, null, 2), note: change.note }}
      byCode={{ bad_change: ["payload"] }}
      rename={(path) => path.slice(0, 1)}
      onSubmit={(values) =>
        act(() =>
          put.mutateAsync({
            params: { path: { change_id: change.id } },
            body: { digest: change.digest, payload: JSON.parse(values.payload), note: values.note },
          }),
        )
      }
    >
      <Form.Item
        name="payload"
        label={say("changes.payload")}
        rules={[
          {
            required: true,
            validator: async (_, text: string) => {
              let parsed: unknown = null;
              try {
                parsed = JSON.parse(text);
              } catch {
                // told below, in the reader's language
              }
              if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
                throw new Error(say("changes.payloadForm"));
            },
          },
        ]}
      >
        <Input.TextArea className="mono" autoSize={{ minRows: 8, maxRows: 22 }} spellCheck={false} />
      </Form.Item>
      <Form.Item name="note" label={say("common.note")}>
        <Input.TextArea autoSize={{ minRows: 2 }} />
      </Form.Item>
    </FormDialog>
  );
}
