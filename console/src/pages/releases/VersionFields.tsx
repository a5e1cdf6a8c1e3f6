/** The first step of a release: which version of what, how it arrives, and where to go back to. */

import { Form, type FormInstance, Radio } from "antd";
import { useEffect } from "react";
import { useSearchParams } from "react-router";
import { Note } from "../../design/Blocks";
import { Choice } from "../../design/Choice";
import { useText } from "../../i18n";
import { tiersFrom } from "../../rules/rules";
import { useSeeTier } from "../apps/names";
import { patchedOf } from "../hotfixes/words";
import { ClientRuleFields } from "./ClientRules";
import { DeliverableChoice } from "./DeliverableChoice";
import { isPackage, isWatched, KINDS, type Kind, kindOf, useTargets, useVersions, versionSaid } from "./kinds";
import type { Values } from "./plan";

export function VersionFields({ form, isFixed = false }: { form: FormInstance<Values>; isFixed?: boolean }) {
  const { say } = useText();
  const [params] = useSearchParams();
  const kind = kindOf(Form.useWatch("kind", form) ?? params.get("kind"));
  const id = Form.useWatch("id", form) ?? params.get("app") ?? "";
  const sequence = Form.useWatch("sequence", form) ?? (Number(params.get("sequence")) || undefined);
  const versions = useVersions(kind, id);
  const targets = useTargets(kind, id, sequence);
  const lowest = useSeeTier(isWatched({ kind }) ? patchedOf(id).app : "");
  useEffect(() => {
    if (isFixed || form.isFieldTouched("audience")) return;
    form.setFields([{ name: "audience", value: tiersFrom(lowest), touched: false }]);
  }, [form, isFixed, lowest]);
  const asOptions = (items: typeof versions.items) =>
    (items ?? []).map((item) => ({ value: item.sequence, label: versionSaid(kind, item) }));
  const begin = (next: Kind) => {
    form.resetFields(["id", "sequence"]);
    form.setFieldValue("id", null);
    // The way back from a hotfix is always there: the version without it.
    form.setFieldValue("rollback_to", next === "hotfix" ? 0 : null);
  };
  return (
    <>
      <Form.Item name="kind" label={say("releases.kind")} rules={[{ required: true }]}>
        <Radio.Group
          disabled={isFixed}
          className="kinds"
          onChange={({ target }) => begin(target.value as Kind)}
          options={KINDS.map((value) => ({ value, label: say(`releases.kind_${value}`) }))}
        />
      </Form.Item>
      <Form.Item name="id" label={say(`releases.of_${kind}`)} rules={[{ required: true }]}>
        <DeliverableChoice
          key={kind}
          kind={kind}
          disabled={isFixed}
          onChange={() => form.resetFields(kind === "hotfix" ? ["sequence"] : ["sequence", "rollback_to"])}
        />
      </Form.Item>
      {id !== "" && versions.items?.length === 0 ? (
        <div style={{ marginBottom: 18 }}>
          <Note tone="warn">{say(`releases.noVersions_${kind}`)}</Note>
        </div>
      ) : null}
      <Form.Item
        name="sequence"
        label={say(kind === "switch" ? "releases.edition" : kind === "hotfix" ? "hotfixes.hotfix" : "common.version")}
        rules={[{ required: true }]}
      >
        <Choice<number> disabled={id === ""} options={asOptions(versions.items)} />
      </Form.Item>
      <Form.Item
        name="update_mode"
        label={say("releases.updateMode")}
        rules={[{ required: true }]}
        hidden={!isWatched({ kind })}
      >
        <Radio.Group
          vertical
          options={[
            { value: "async", label: say("releases.async") },
            { value: "sync", label: say("releases.sync") },
          ]}
        />
      </Form.Item>
      {isPackage({ kind }) ? <ClientRuleFields sequence={sequence} versions={asOptions(versions.items)} /> : null}
      <Form.Item name="rollback_to" label={say("releases.rollbackTo")} extra={say("releases.rollbackHint")}>
        <Choice<number> allowClear placeholder={say("releases.noRollback")} options={asOptions(targets.items)} />
      </Form.Item>
    </>
  );
}
