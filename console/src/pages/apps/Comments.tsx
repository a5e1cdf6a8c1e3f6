/** What reviewers and the publisher write to each other about a version. */

import { Form, Input, InputNumber } from "antd";
import { query } from "../../api/client";
import type { VersionDetail } from "../../api/types";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ProblemForm } from "../../design/ProblemForm";
import { Person, Time } from "../../design/Small";
import { useText } from "../../i18n";
import { useMayOf } from "./useMayOf";

type Values = { text: string; file?: string; line?: number };

export function Comments({ version }: { version: VersionDetail }) {
  const { say } = useText();
  const may = useMayOf(version.app);
  const act = useAct();
  const [form] = Form.useForm<Values>();
  const post = query.useMutation("post", "/apps/{app}/versions/{sequence}/comments");
  const { app, sequence } = version;
  return (
    <Panel title={say("apps.comments")}>
      <div className="stack">
        {version.comments.length === 0 ? <span className="muted">{say("apps.commentsEmpty")}</span> : null}
        {version.comments.map((item) => (
          <div className="comment" key={item.id}>
            <div className="grow">
              <div className="row between small muted">
                <Person id={item.author} />
                <Time ms={item.at_ms} />
              </div>
              {item.file ? (
                <code className="small">
                  {item.file}
                  {item.line ? `:${item.line}` : ""}
                </code>
              ) : null}
              <div className="text">{item.text}</div>
            </div>
          </div>
        ))}
        {may("version:comment") ? (
          <ProblemForm<Values>
            form={form}
            submit={say("apps.commentSend")}
            doneText=""
            onDone={() => form.resetFields()}
            onSubmit={(body) =>
              act(() =>
                post.mutateAsync({
                  params: { path: { app, sequence } },
                  body: { text: body.text, file: body.file ?? "", line: body.line ?? null },
                }),
              )
            }
          >
            <Form.Item name="text" label={say("apps.comment")} rules={[{ required: true, whitespace: true }]}>
              <Input.TextArea
                autoSize={{ minRows: 2, maxRows: 10 }}
                placeholder={say("apps.commentPlaceholder")}
                maxLength={4000}
              />
            </Form.Item>
            <div className="row" style={{ alignItems: "flex-start", flexWrap: "nowrap" }}>
              <Form.Item name="file" label={say("apps.commentFile")} style={{ flex: 1 }}>
                <Input spellCheck={false} />
              </Form.Item>
              <Form.Item name="line" label={say("apps.commentLine")}>
                <InputNumber min={1} style={{ width: 90 }} />
              </Form.Item>
            </div>
          </ProblemForm>
        ) : null}
      </div>
    </Panel>
  );
}
