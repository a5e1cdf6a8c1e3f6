/** The order of the apps under one heading: moved here as one likes, and set in one step. */

import { ArrowDownOutlined, ArrowUpOutlined, OrderedListOutlined } from "@ant-design/icons";
import { App, Button, Select } from "antd";
import { useEffect, useState } from "react";
import { api, query } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import type { Category, Entry } from "../../api/types";
import { useAct } from "../../app/useAct";
import { Dialog } from "../../design/Dialog";
import { ProblemNote } from "../../design/ProblemText";
import { Empty, Loading } from "../../design/States";
import { pick, useText } from "../../i18n";
import { AppName } from "../apps/names";
import { moved } from "./order";
import "./preview.css";

export function OrderApps({ categories }: { categories: readonly Category[] }) {
  const { say } = useText();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button
        icon={<OrderedListOutlined />}
        aria-haspopup="dialog"
        disabled={categories.length === 0}
        onClick={() => setOpen(true)}
      >
        {say("catalogue.order")}
      </Button>
      <Dialog isOpen={isOpen} title={say("catalogue.order")} onClose={() => setOpen(false)}>
        <Ordering categories={categories} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Ordering({ categories, onDone }: { categories: readonly Category[]; onDone: () => void }) {
  const { say, language } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const put = query.useMutation("put", "/catalogue/categories/{category}/order");
  const [category, setCategory] = useState(categories[0]?.id ?? "");
  const [rows, setRows] = useState<readonly Entry[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let isWanted = true;
    setRows(null);
    setProblem(null);
    entriesOf(category).then(
      (found) => isWanted && setRows(found),
      (thrown) => isWanted && setProblem(asProblem(thrown)),
    );
    return () => {
      isWanted = false;
    };
  }, [category]);
  const save = async () => {
    setProblem(null);
    try {
      const apps = (rows ?? []).map((row) => row.app);
      await act(() => put.mutateAsync({ params: { path: { category } }, body: { apps } }));
      message.success(say("catalogue.ordered"));
      onDone();
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
  };
  return (
    <>
      <p className="muted">{say("catalogue.orderLead")}</p>
      <Select
        aria-label={say("catalogue.category")}
        value={category}
        onChange={setCategory}
        options={categories.map((each) => ({
          value: each.id,
          label: pick(language, { zh: each.name_zh, en: each.name_en }),
        }))}
      />
      {rows === null && problem === null ? <Loading lines={4} /> : null}
      {rows?.length === 0 ? <Empty title={say("catalogue.orderEmpty")} /> : null}
      <ol className="order-list" aria-live="polite">
        {(rows ?? []).map((row, at) => {
          const name = pick(language, { zh: row.name_zh, en: row.name_en }) || row.app;
          return (
            <li key={row.app}>
              <AppName app={row.app} name={name} />
              <span className="row">
                <Button
                  size="small"
                  icon={<ArrowUpOutlined />}
                  disabled={at === 0}
                  aria-label={say("catalogue.moveUp", { name })}
                  onClick={() => setRows(moved(rows ?? [], at, at - 1))}
                />
                <Button
                  size="small"
                  icon={<ArrowDownOutlined />}
                  disabled={at === (rows?.length ?? 0) - 1}
                  aria-label={say("catalogue.moveDown", { name })}
                  onClick={() => setRows(moved(rows ?? [], at, at + 1))}
                />
              </span>
            </li>
          );
        })}
      </ol>
      <ProblemNote problem={problem} />
      <div className="row">
        <Button type="primary" disabled={!rows || rows.length < 2} loading={put.isPending} onClick={save}>
          {say("common.save")}
        </Button>
        <Button onClick={onDone}>{say("common.cancel")}</Button>
      </div>
    </>
  );
}

/** Returns all entries under a heading, as customers meet them. */
async function entriesOf(category: string): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  let cursor: string | null | undefined;
  do {
    const { data } = await api.GET("/catalogue", {
      params: { query: { category, limit: 200, ...(cursor ? { cursor } : {}) } },
    });
    found.push(...(data?.items ?? []));
    cursor = data?.next_cursor;
  } while (cursor);
  return found.toSorted((one, other) => one.position - other.position || (one.app < other.app ? -1 : 1));
}
