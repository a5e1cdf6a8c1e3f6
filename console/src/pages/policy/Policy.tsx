/** What packages must keep to. */

import { App, Form, Input, InputNumber, Select } from "antd";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { ProblemForm } from "../../design/ProblemForm";
import { Fetch, Loading } from "../../design/States";
import { useText } from "../../i18n";
import { KeepDays, useKeepDays } from "../insight/KeepDays";
import { CheckSeconds, useCheckSeconds } from "../releases/CheckSeconds";

const MB = 1024 * 1024;
type Values = { domains: string; locales: string[]; package: number; file: number; files: number; note?: string };
const FIELDS: Record<string, string> = {
  allowed_domains: "domains",
  max_package_bytes: "package",
  max_file_bytes: "file",
  max_files: "files",
};

export default function Policy() {
  const { say } = useText();
  const { may } = useSession();
  const { message } = App.useApp();
  const act = useAct();
  const found = query.useQuery("get", "/miniapps/policy");
  const keep = useKeepDays();
  const checks = useCheckSeconds();
  const put = query.useMutation("put", "/miniapps/policy");
  // The parts come together: one that came late would push those below it down.
  if (found.isLoading || keep.isLoading || checks.isLoading) {
    return (
      <PageFrame title={say("policy.title")} lead={say("policy.lead")}>
        <div className="panel" style={{ maxWidth: 640 }}>
          <Loading lines={8} />
        </div>
      </PageFrame>
    );
  }
  return (
    <PageFrame title={say("policy.title")} lead={say("policy.lead")}>
      <div className="stack" style={{ maxWidth: 640 }}>
        <Panel>
          <Fetch of={found}>
            {(policy) =>
              may("miniapps:policy") ? (
                <ProblemForm<Values>
                  key={JSON.stringify(policy)}
                  submit={say("common.save")}
                  doneText=""
                  initial={{
                    domains: policy.allowed_domains.join("\n"),
                    locales: policy.locales,
                    package: policy.max_package_bytes / MB,
                    file: policy.max_file_bytes / MB,
                    files: policy.max_files,
                  }}
                  rename={(path) => [FIELDS[String(path[0])] ?? String(path[0])]}
                  onSubmit={async (values) => {
                    const made = await act(() =>
                      put.mutateAsync({
                        body: {
                          allowed_domains: values.domains.split(/\s+/).filter(Boolean),
                          locales: values.locales,
                          max_package_bytes: Math.round(values.package * MB),
                          max_file_bytes: Math.round(values.file * MB),
                          max_files: values.files,
                          note: values.note ?? "",
                        },
                      }),
                    );
                    message.success(say(made.applied ? "common.saved" : "policy.proposed"));
                  }}
                >
                  <Form.Item name="domains" label={say("policy.domains")} extra={say("policy.domainsHint")}>
                    <Input.TextArea className="mono" autoSize={{ minRows: 3 }} spellCheck={false} />
                  </Form.Item>
                  <Form.Item name="locales" label={say("policy.locales")}>
                    <Select mode="tags" options={["zh", "en"].map((value) => ({ value, label: value }))} />
                  </Form.Item>
                  <div className="facts">
                    <Form.Item name="package" label={say("policy.package")} rules={[{ required: true }]}>
                      <InputNumber min={0.1} step={1} />
                    </Form.Item>
                    <Form.Item name="file" label={say("policy.file")} rules={[{ required: true }]}>
                      <InputNumber min={0.1} step={1} />
                    </Form.Item>
                    <Form.Item name="files" label={say("policy.files")} rules={[{ required: true }]}>
                      <InputNumber min={1} />
                    </Form.Item>
                  </div>
                  <Form.Item name="note" label={say("common.note")}>
                    <Input />
                  </Form.Item>
                </ProblemForm>
              ) : (
                <Facts
                  one
                  items={[
                    { label: say("policy.domains"), value: policy.allowed_domains.join(", ") || say("common.none") },
                    { label: say("policy.locales"), value: policy.locales.join(", ") },
                    { label: say("policy.package"), value: policy.max_package_bytes / MB },
                    { label: say("policy.file"), value: policy.max_file_bytes / MB },
                    { label: say("policy.files"), value: policy.max_files },
                  ]}
                />
              )
            }
          </Fetch>
        </Panel>
        <CheckSeconds of={checks} />
        <KeepDays of={keep} />
      </div>
    </PageFrame>
  );
}
