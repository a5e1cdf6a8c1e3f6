/** What speaks against a release before it goes out: what refuses it, and what is worth knowing. */

import { Link } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Note } from "../../design/Blocks";
import { useText } from "../../i18n";
import { bodyOf, type Values } from "./plan";

type Checked = components["schemas"]["ReleaseChecked"];
type Objection = components["schemas"]["ObjectionOut"];

/** Returns what is said of the draft that the wizard holds; of one with fields to fill in nobody asks. */
export function useDraftObjections(values: Values, isWhole: boolean | null) {
  return query.useQuery("post", "/releases/check", { body: bodyOf(values) }, { enabled: isWhole === true });
}

/** Returns what is said of a saved release that has not begun. */
export function useObjections(release: { id: string; state: string } | undefined) {
  const params = { path: { release_id: release?.id ?? "" } };
  const enabled = release?.state === "draft" || release?.state === "submitted";
  return query.useQuery("post", "/releases/{release_id}/check", { params }, { enabled });
}

export function Objections({ of: { conflicts, warnings } }: { of: Checked }) {
  const { say } = useText();
  return (
    <>
      {conflicts.length > 0 ? (
        <Note tone="bad">
          <div className="strong">{say("releases.conflicts")}</div>
          <List of={conflicts} />
        </Note>
      ) : null}
      {warnings.length > 0 ? (
        <Note tone="warn">
          <List of={warnings} />
        </Note>
      ) : null}
    </>
  );
}

/** One stands as a sentence, several as a list. */
function List({ of: objections }: { of: readonly Objection[] }) {
  const { say, language } = useText();
  const said = (each: Objection) => (
    <>
      {language === "zh" ? each.zh : each.en}{" "}
      {each.release ? <Link to={`/releases/${each.release}`}>{say("releases.conflictOther")}</Link> : null}
    </>
  );
  const [only, ...others] = objections;
  if (only && others.length === 0) return <div>{said(only)}</div>;
  return (
    <ul style={{ margin: "0 0 0 18px" }}>
      {objections.map((each) => (
        <li key={`${each.code}${each.field}${each.release}`}>{said(each)}</li>
      ))}
    </ul>
  );
}
