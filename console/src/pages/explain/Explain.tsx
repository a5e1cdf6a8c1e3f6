/** Why somebody gets which version: one field, then each deliverable with the answer first. */

import { SearchOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import { useEffect, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { api, query } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { Pager } from "../../design/PageTable";
import { ProblemNote } from "../../design/ProblemText";
import { useCursor } from "../../design/pages";
import { Empty, Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { Deliverable } from "./Deliverable";
import { Subject } from "./Subject";
import { readWhom, type Whom } from "./whom";
import "./explain.css";

const AT_ONCE = 25;
const SWITCHES = 12;

export default function Explain() {
  const { say } = useText();
  const [params, setParams] = useSearchParams();
  const device = params.get("device") ?? "";
  const customer = params.get("customer") ?? "";
  const only = params.get("id") ?? "";
  const asked = device || customer;
  const choose = (whom: Whom) => setParams({ ...whom, ...(only ? { id: only } : {}) });
  return (
    <PageFrame title={say("explain.title")} lead={say("explain.lead")}>
      <Panel>
        <div className="stack">
          <Search key={asked} value={asked} onFound={choose} />
          {only ? (
            <div className="row small">
              <span className="muted">{say("explain.only", { id: only })}</span>
              <Link to={device ? `?device=${device}` : customer ? `?customer=${customer}` : "?"}>
                {say("explain.showAll")}
              </Link>
            </div>
          ) : null}
        </div>
      </Panel>
      {asked ? (
        <Answers key={asked} whom={device ? { device } : { customer }} only={only} />
      ) : (
        <Panel>
          <Empty title={say("explain.startTitle")} hint={say("explain.startHint")} />
        </Panel>
      )}
    </PageFrame>
  );
}

function Search({ value, onFound }: { value: string; onFound: (whom: Whom) => void }) {
  const { say } = useText();
  const { may } = useSession();
  const [text, setText] = useState(value);
  const [isBusy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Problem | "none" | null>(null);
  useEffect(() => setText(value), [value]);
  const label = say(may("customer:personal") ? "explain.field" : "explain.fieldNoPhone");
  const find = async () => {
    setWrong(null);
    setBusy(true);
    try {
      const whom = await whomOf(text, may("customer:personal"));
      if (whom) onFound(whom);
      else setWrong("none");
    } catch (thrown) {
      setWrong(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="explain-search"
      onSubmit={(event) => {
        event.preventDefault();
        void find();
      }}
    >
      <Input
        aria-label={label}
        placeholder={label}
        value={text}
        data-search
        allowClear
        maxLength={128}
        autoComplete="off"
        spellCheck={false}
        {...(wrong ? { status: "error" as const, "aria-invalid": true, "aria-describedby": "explain-wrong" } : {})}
        prefix={<SearchOutlined aria-hidden="true" />}
        onChange={(event) => setText(event.target.value)}
      />
      <Button type="primary" htmlType="submit" loading={isBusy} disabled={text.trim() === ""}>
        {say("explain.ask")}
      </Button>
      <div id="explain-wrong" className="explain-wrong" role="alert">
        {wrong === "none" ? say("explain.noneFound") : wrong ? <ProblemNote problem={wrong} /> : null}
      </div>
    </form>
  );
}

/**
 * Returns whom a text names, asking the server where it is a reference or a phone number. What may be a phone number is
 * asked by that first, so that no customer's number stands in an address. Throws `Problem`.
 */
async function whomOf(text: string, mayAskByPhone: boolean): Promise<Whom | null> {
  const typed = readWhom(text);
  if (typed === null || !("reference" in typed)) return typed;
  if (typed.phone !== null && mayAskByPhone) {
    const byPhone = await api.POST("/customers/search", { body: { phone: typed.phone } });
    const owner = byPhone.data?.items[0];
    if (owner) return { customer: owner.id };
  }
  try {
    const query = { customer: typed.reference, limit: 1 };
    const { data } = await api.GET("/explain", { params: { query } });
    return data?.subject.customer ? { customer: data.subject.customer } : null;
  } catch (thrown) {
    if (asProblem(thrown).status !== 404) throw thrown;
    return null;
  }
}

function Answers({ whom, only }: { whom: Whom; only: string }) {
  const { say } = useText();
  const [reason, setReason] = useState("");
  const { page, pagesOf } = useCursor({ whom, only }, AT_ONCE);
  const found = query.useQuery(
    "get",
    "/explain",
    { params: { query: { ...page, ...whom, ...(only ? { id: only } : {}), ...(reason ? { reason } : {}) } } },
    { placeholderData: (before) => before, refetchOnWindowFocus: false },
  );
  return (
    <Fetch of={found} lines={8}>
      {(data) => (
        <>
          <Subject of={data.subject} isRevealed={reason !== ""} onReveal={setReason} />
          {data.items.length === 0 ? (
            <Panel>
              <Empty title={say(only ? "explain.noneOfOne" : "explain.none")} hint={say("explain.noneHint")} />
            </Panel>
          ) : (
            <div className="explained-list">
              {data.items.map((item) => (
                <Deliverable key={`${item.kind}/${item.id}`} item={item} isOpen={only !== ""} />
              ))}
              <Pager pages={pagesOf(data)} shown={data.items.length} />
            </div>
          )}
          <Switches of={data.subject.device ?? data.subject.customer ?? ""} />
        </>
      )}
    </Fetch>
  );
}

function Switches({ of: id }: { of: string }) {
  const { say } = useText();
  const { may } = useSession();
  const found = query.useQuery(
    "get",
    "/switches",
    { params: { query: { state: "active", limit: SWITCHES } } },
    { enabled: may("switch:read"), staleTime: 60_000 },
  );
  const items = found.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Panel title={say("explain.switches")} hint={say("explain.switchesHint")}>
      <ul className="explained-switches">
        {items.map(({ key }) => (
          <li key={key}>
            <Link className="mono wrap" to={`/switches/${key}?subject=${id}`}>
              {key}
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
