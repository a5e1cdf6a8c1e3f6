/** A few ids given the tag, or taken from it: all of it happens, or nothing. */

import { UserAddOutlined } from "@ant-design/icons";
import { App, Form, Input, Radio } from "antd";
import { useState } from "react";
import { query } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { components } from "../../api/schema";
import { useAct } from "../../app/useAct";
import { FormDialog } from "../../design/FormDialog";
import { useText } from "../../i18n";
import { COLUMNS, idsIn, unknownIn } from "./ids";

type Body = components["schemas"]["MembersIn"];
type Values = { column: NonNullable<Body["column"]>; add: string; remove: string };

export function FewMembers({ tag }: { tag: string }) {
  const { say } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const change = query.useMutation("post", "/tags/{tag}/members");
  const [unknown, setUnknown] = useState("");
  return (
    <FormDialog<Values>
      label={say("tags.few")}
      icon={<UserAddOutlined />}
      title={say("tags.fewTitle")}
      lead={say("tags.fewLead")}
      submit={say("common.save")}
      doneText=""
      initial={{ column: "customer", add: "", remove: "" }}
      byCode={{ member_unknown: ["add"] }}
      rename={(path) => path.slice(0, 1)}
      onSubmit={async ({ column, add, remove }) => {
        const body = { column, add: idsIn(add), remove: idsIn(remove) };
        setUnknown("");
        try {
          await act(() => change.mutateAsync({ params: { path: { tag } }, body }));
        } catch (thrown) {
          setUnknown(unknownIn(asProblem(thrown)));
          throw thrown;
        }
        message.success(say("tags.fewDone"));
      }}
    >
      <Form.Item name="column" label={say("tags.column")} rules={[{ required: true }]}>
        <Radio.Group options={COLUMNS.map((value) => ({ value, label: say(`tags.column_${value}`) }))} />
      </Form.Item>
      {(["add", "remove"] as const).map((name) => (
        <Form.Item
          key={name}
          name={name}
          label={say(`tags.${name}`)}
          extra={unknown && name === "add" ? say("tags.unknownId", { id: unknown }) : say("tags.idsHint")}
        >
          <Input.TextArea autoSize={{ minRows: 3, maxRows: 10 }} spellCheck={false} />
        </Form.Item>
      ))}
    </FormDialog>
  );
}
