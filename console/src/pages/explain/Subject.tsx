/** Who is asked about: what the server knows, what the device says of itself and since when; a customer's devices. */

import { EyeOutlined } from "@ant-design/icons";
import { Form, Input } from "antd";
import { Link } from "react-router";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { type Fact, Facts, Note, Panel } from "../../design/Blocks";
import { FormDialog } from "../../design/FormDialog";
import { CopyId, TierTag, Time } from "../../design/Small";
import { shortDigest } from "../../design/size";
import { shortTime } from "../../design/time";
import { pick, useText } from "../../i18n";
import { useRuleWords } from "../../rules/ruleWords";
import { Owner } from "../devices/DeviceList";

type SubjectOut = components["schemas"]["SubjectOut"];

export function Subject(props: { of: SubjectOut; isRevealed: boolean; onReveal: (reason: string) => void }) {
  const { say, language } = useText();
  const { may } = useSession();
  const words = useRuleWords();
  const { of: subject } = props;
  const { device, customer } = subject;
  const claims: Fact[] = Object.entries(subject.claims).map(([name, value]) => ({
    label: words.attribute(name),
    value: <span className="wrap">{value}</span>,
  }));
  return (
    <Panel
      title={device ? say("explain.subjectDevice") : say("explain.subjectCustomer")}
      extra={
        props.isRevealed ? (
          <span className="small muted">{say("explain.revealed")}</span>
        ) : may("customer:personal") ? (
          <Reveal onReveal={props.onReveal} />
        ) : (
          <span className="small muted">{say("explain.hidden")}</span>
        )
      }
    >
      <div className="stack">
        {subject.revoked ? <Note tone="bad">{say("explain.revoked")}</Note> : null}
        {subject.tier_reason ? <Note tone="warn">{pick(language, subject.tier_reason)}</Note> : null}
        <Facts
          items={[
            { label: say("common.tier"), value: <TierTag tier={subject.tier} /> },
            device !== null && {
              label: say("common.id"),
              value: may("customer:read") ? (
                <Link to={`/devices/${device}`}>{shortDigest(device)}</Link>
              ) : (
                <CopyId value={device} />
              ),
            },
            device !== null && {
              label: say("devices.customer"),
              value: customer ? <Owner id={customer} /> : <span className="faint">{say("explain.nobody")}</span>,
            },
            device === null && customer !== null && { label: say("common.id"), value: <Owner id={customer} /> },
            subject.client_app !== null && { label: say("customers.clientApp"), value: subject.client_app },
            device !== null && { label: say("customers.seen"), value: <Time ms={subject.seen_ms} /> },
            device !== null && {
              label: say("explain.host"),
              value: subject.host_version ?? say("explain.hostUnsaid"),
            },
          ]}
        />
        {device === null ? (
          <OwnDevices of={subject} />
        ) : subject.claims_at_ms === null ? (
          <Note tone="warn">{say("explain.claimsNone")}</Note>
        ) : (
          <div className="explained-claims">
            <div className="row between">
              <h3 className="small strong">{say("explain.claims")}</h3>
              <span className="small muted">
                {say("explain.claimsSince", { at: shortTime(subject.claims_at_ms, language) })}
              </span>
            </div>
            <Facts items={claims} />
          </div>
        )}
      </div>
    </Panel>
  );
}

function OwnDevices({ of: subject }: { of: SubjectOut }) {
  const { say } = useText();
  if (subject.devices.length === 0) return <Note tone="neutral">{say("explain.devicesNone")}</Note>;
  return (
    <>
      <Note tone="info">{say("explain.ofCustomer")}</Note>
      <ul className="explained-devices" aria-label={say("explain.devices")}>
        {subject.devices.map((device) => (
          <li key={device.id} className="row">
            <Link className="mono" to={`/explain?device=${device.id}`}>
              {shortDigest(device.id)}
            </Link>
            <span className="small muted">
              {device.client_app} · <Time ms={device.seen_ms} />
              {device.signed_in ? ` · ${say("explain.signedInNow")}` : ""}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Reveal({ onReveal }: { onReveal: (reason: string) => void }) {
  const { say } = useText();
  return (
    <FormDialog<{ reason: string }>
      label={say("explain.reveal")}
      icon={<EyeOutlined />}
      size="small"
      title={say("explain.revealTitle")}
      lead={say("explain.revealLead")}
      submit={say("explain.reveal")}
      doneText=""
      onSubmit={async ({ reason }) => onReveal(reason.trim())}
    >
      <Form.Item name="reason" label={say("common.reason")} rules={[{ required: true, whitespace: true }]}>
        <Input maxLength={500} autoFocus />
      </Form.Item>
    </FormDialog>
  );
}
