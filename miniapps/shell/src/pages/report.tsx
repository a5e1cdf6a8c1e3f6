import { type JSX, type SyntheticEvent, useState } from "react";
import { useHost } from "../app";
import type { CatalogueApp } from "../host/host";
import { useWords } from "../i18n";
import { Sheet, useDialogs } from "../ui/dialogs";
import { messageOf } from "./problem";

const REASONS = ["fraud", "privacy", "broken", "other"] as const;
const MOST_LETTERS = 1000;

/** Tells the bank that something is wrong with an app. */
export function ReportSheet({ app, onClose }: { app: CatalogueApp; onClose: () => void }): JSX.Element {
  const { t } = useWords();
  const host = useHost();
  const { toast } = useDialogs();
  const [reason, setReason] = useState<(typeof REASONS)[number]>("broken");
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const send = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    try {
      await host.report(app.id, reason, text);
      toast(t("report_sent"));
      onClose();
    } catch (failure) {
      setProblem(messageOf(failure, t));
    }
  };
  return (
    <Sheet title={t("report")} onClose={onClose}>
      <form className="form" onSubmit={(event) => void send(event)}>
        {REASONS.map((each) => (
          <label className="radio" key={each}>
            <input type="radio" name="reason" checked={reason === each} onChange={() => setReason(each)} />
            {t(`report_${each}`)}
          </label>
        ))}
        <label>
          {t("report_hint")}
          <textarea rows={3} maxLength={MOST_LETTERS} value={text} onChange={(event) => setText(event.target.value)} />
        </label>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <div className="sheet-actions">
          <button type="button" className="button quiet" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" className="button">
            {t("send")}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
