/** The first step of a release: which version of what, how it arrives, and where to go back to. */

import { Form, type FormInstance, Radio } from "antd";
import { useSearchParams } from "react-router";
import { query } from "../../api/client";
import { Note } from "../../design/Blocks";
import { Choice } from "../../design/Choice";
import { useText } from "../../i18n";
import { AppChoice } from "../apps/AppChoice";
import type { Values } from "./plan";

export function VersionFields({ form }: { form: FormInstance<Values> }) {
  const { say } = useText();
  const [params] = useSearchParams();
  const app = Form.useWatch("id", form) ?? params.get("app") ?? "";
  const sequence = Form.useWatch("sequence", form) ?? (Number(params.get("sequence")) || undefined);
  const versions = query.useQuery(
    "get",
    "/apps/{app}/versions",
    { params: { path: { app }, query: { state: ["published"], limit: 100 } } },
    { enabled: app !== "" },
  );
  const published = versions.data?.items ?? [];
  const label = (item: { version: string; sequence: number }) => `${item.version} (#${item.sequence})`;
  return (
    <>
      <Form.Item name="id" label={say("releases.deliverable")} rules={[{ required: true }]}>
        <AppChoice onChange={() => form.resetFields(["sequence", "rollback_to"])} />
      </Form.Item>
      {app !== "" && versions.data && published.length === 0 ? (
        <div style={{ marginBottom: 18 }}>
          <Note tone="warn">{say("releases.noVersions")}</Note>
        </div>
      ) : null}
      <Form.Item name="sequence" label={say("common.version")} rules={[{ required: true }]}>
        <Choice<number>
          disabled={app === ""}
          options={published.map((item) => ({ value: item.sequence, label: label(item) }))}
        />
      </Form.Item>
      <Form.Item name="update_mode" label={say("releases.updateMode")} rules={[{ required: true }]}>
        <Radio.Group
          vertical
          options={[
            { value: "async", label: say("releases.async") },
            { value: "sync", label: say("releases.sync") },
          ]}
        />
      </Form.Item>
      <Form.Item name="rollback_to" label={say("releases.rollbackTo")} extra={say("releases.rollbackHint")}>
        <Choice<number>
          allowClear
          placeholder={say("releases.noRollback")}
          options={published
            .filter((item) => sequence !== undefined && item.sequence < sequence)
            .map((item) => ({ value: item.sequence, label: label(item) }))}
        />
      </Form.Item>
    </>
  );
}
