/** The headings under which mini-apps stand. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input, InputNumber } from "antd";
import { query } from "../../api/client";
import type { Category } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FormDialog } from "../../design/FormDialog";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { pick, useText } from "../../i18n";

type Values = { id: string; name_zh: string; name_en: string; position?: number };

export function Categories() {
  const { say, language } = useText();
  const { may } = useSession();
  const act = useAct();
  const { page, tableOf } = useCursor(null);
  const found = query.useQuery("get", "/catalogue/categories", {
    params: { query: { ...page } },
  });
  const put = query.useMutation("put", "/catalogue/categories/{category}");
  const remove = query.useMutation("delete", "/catalogue/categories/{category}");
  const name = (row: Category) => pick(language, { zh: row.name_zh, en: row.name_en });
  const dialog = (row: Category | null) => (
    <FormDialog<Values>
      label={say(row ? "common.edit" : "catalogue.addCategory")}
      title={say(row ? "catalogue.editCategory" : "catalogue.addCategory")}
      type={row ? "default" : "primary"}
      size="small"
      icon={row ? null : <PlusOutlined />}
      submit={say("common.save")}
      initial={row ?? { position: 0 }}
      rename={(path) => (path[0] === "category" ? ["id"] : path)}
      onSubmit={(values) =>
        act(() =>
          put.mutateAsync({
            params: { path: { category: row?.id ?? values.id } },
            body: { name_zh: values.name_zh, name_en: values.name_en, position: values.position ?? 0 },
          }),
        )
      }
    >
      <Form.Item
        name="id"
        label={say("catalogue.categoryId")}
        extra={say("catalogue.categoryIdHint")}
        rules={[{ required: true }]}
      >
        <Input disabled={row !== null} spellCheck={false} />
      </Form.Item>
      <Form.Item name="name_zh" label={say("catalogue.nameZh")} rules={[{ required: true }]}>
        <Input />
      </Form.Item>
      <Form.Item name="name_en" label={say("catalogue.nameEn")} rules={[{ required: true }]}>
        <Input />
      </Form.Item>
      <Form.Item name="position" label={say("catalogue.position")} extra={say("catalogue.positionHint")}>
        <InputNumber min={0} />
      </Form.Item>
    </FormDialog>
  );
  const columns: Column<Category>[] = [
    { key: "name", title: say("common.name"), render: (row) => <span className="strong">{name(row)}</span> },
    { key: "id", title: say("common.id"), render: (row) => <code>{row.id}</code> },
    { key: "position", title: say("catalogue.position"), right: true, render: (row) => row.position },
    ...(may("catalogue:edit")
      ? [
          {
            key: "do",
            title: say("common.actions"),
            render: (row: Category) => (
              <span className="row">
                {dialog(row)}
                <ConfirmAction
                  label={say("common.remove")}
                  size="small"
                  danger
                  title={say("catalogue.removeCategory", { name: name(row) })}
                  what={say("catalogue.removeCategoryWhat")}
                  onConfirm={() => act(() => remove.mutateAsync({ params: { path: { category: row.id } } }))}
                />
              </span>
            ),
          },
        ]
      : []),
  ];
  return (
    <Panel title={say("catalogue.categories")} flush extra={may("catalogue:edit") ? dialog(null) : null}>
      <PageTable label={say("catalogue.categories")} columns={columns} {...tableOf(found)} rowKey={(row) => row.id} />
    </Panel>
  );
}
