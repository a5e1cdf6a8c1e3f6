/** Changing one entry; what lets more people in waits for a colleague. */

import { App, Form, Input, InputNumber, Select, Switch } from "antd";
import { query } from "../../api/client";
import { type Category, type Entry, TIERS } from "../../api/types";
import { useAct } from "../../app/useAct";
import { changedOf } from "../../design/changed";
import { FormDialog } from "../../design/FormDialog";
import { pick, useText } from "../../i18n";

type Values = Omit<Entry, "app"> & { note?: string };

export function EditEntry({ entry, categories }: { entry: Entry; categories: readonly Category[] }) {
  const { say, language } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const patch = query.useMutation("patch", "/catalogue/apps/{app}");
  const tiers = TIERS.map((value) => ({ value, label: say(`tiers.${value}`) }));
  return (
    <FormDialog<Values>
      label={say("common.edit")}
      size="small"
      title={say("catalogue.edit")}
      lead={say("catalogue.editLead")}
      submit={say("common.save")}
      width={640}
      doneText=""
      initial={entry}
      byCode={{ category_unknown: ["category"], bad_catalogue_entry: ["open_tier"] }}
      onSubmit={async ({ note, ...values }, began) => {
        const made = await act(() =>
          patch.mutateAsync({
            params: { path: { app: entry.app } },
            body: { ...changedOf(values, began), note: note ?? "" },
          }),
        );
        message.success(say(made.applied ? "catalogue.applied" : "catalogue.proposed"));
      }}
    >
      <Form.Item name="listed" label={say("catalogue.listed")} valuePropName="checked">
        <Switch />
      </Form.Item>
      <div className="facts">
        <Form.Item name="see_tier" label={say("catalogue.seeTier")} rules={[{ required: true }]}>
          <Select options={tiers} />
        </Form.Item>
        <Form.Item name="open_tier" label={say("catalogue.openTier")} rules={[{ required: true }]}>
          <Select options={tiers} />
        </Form.Item>
        <Form.Item name="category" label={say("catalogue.category")}>
          <Select
            options={categories.map((item) => ({
              value: item.id,
              label: pick(language, { zh: item.name_zh, en: item.name_en }),
            }))}
          />
        </Form.Item>
        <Form.Item name="position" label={say("catalogue.position")} extra={say("catalogue.positionHint")}>
          <InputNumber min={0} />
        </Form.Item>
        <Form.Item name="name_zh" label={say("catalogue.nameZh")} rules={[{ required: true }]}>
          <Input />
        </Form.Item>
        <Form.Item name="name_en" label={say("catalogue.nameEn")} rules={[{ required: true }]}>
          <Input />
        </Form.Item>
      </div>
      <Form.Item name="text_zh" label={say("catalogue.textZh")}>
        <Input.TextArea autoSize={{ minRows: 2 }} />
      </Form.Item>
      <Form.Item name="text_en" label={say("catalogue.textEn")}>
        <Input.TextArea autoSize={{ minRows: 2 }} />
      </Form.Item>
      <Form.Item name="note" label={say("common.note")}>
        <Input />
      </Form.Item>
    </FormDialog>
  );
}
