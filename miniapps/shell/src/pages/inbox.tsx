import type { JSX } from "react";
import { useWords } from "../i18n";
import { Empty } from "../ui/parts";

/** Messages of the bank; there are none before the first is sent. */
export function Inbox(): JSX.Element {
  const { t } = useWords();
  return (
    <main className="content">
      <h1 className="title">{t("inbox")}</h1>
      <Empty icon="inbox" title={t("inbox_none")} hint={t("inbox_none_hint")} />
    </main>
  );
}
