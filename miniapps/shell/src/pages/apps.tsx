import { type JSX, useState } from "react";
import { useSnapshot } from "../app";
import { useWords } from "../i18n";
import { Icon } from "../ui/icons";
import { Empty } from "../ui/parts";
import { AppRow, matching, NoApps } from "./app_list";

/** The catalogue by category, with search. */
export function Apps(): JSX.Element {
  const { t, both } = useWords();
  const { apps, categories } = useSnapshot();
  const [typed, setTyped] = useState("");
  const found = matching(apps, typed);
  const known = new Set(categories.map((category) => category.id));
  const rest = found.filter((app) => !known.has(app.category));
  return (
    <main className="content">
      <h1 className="title">{t("apps")}</h1>
      <label className="search">
        <Icon name="search" size={20} />
        <input
          type="search"
          value={typed}
          placeholder={t("search")}
          onChange={(event) => setTyped(event.target.value)}
        />
      </label>
      {apps.length === 0 && <NoApps />}
      {apps.length > 0 && found.length === 0 && <Empty icon="search" title={t("search_none", { text: typed })} />}
      {categories.map((category) => {
        const mine = found.filter((app) => app.category === category.id);
        if (mine.length === 0) return null;
        return (
          <section key={category.id} className="group">
            <h2>{both(category.name)}</h2>
            <div className="card">
              {mine.map((app) => (
                <AppRow key={app.id} app={app} />
              ))}
            </div>
          </section>
        );
      })}
      {rest.length > 0 && (
        <div className="card">
          {rest.map((app) => (
            <AppRow key={app.id} app={app} />
          ))}
        </div>
      )}
    </main>
  );
}
