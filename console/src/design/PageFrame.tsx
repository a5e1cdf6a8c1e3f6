/** The head of every page, its place in the breadcrumb, and its title in the browser. */

import { type ReactNode, useEffect } from "react";
import { setCrumbs } from "../layout/crumbs";

export type Crumb = { title: string; to?: string };

export function PageFrame(props: {
  title: ReactNode;
  /** The title as plain text, where `title` holds more than that. */
  name?: string;
  tags?: ReactNode;
  lead?: ReactNode;
  crumbs?: readonly Crumb[];
  actions?: ReactNode;
  children: ReactNode;
}) {
  const { title, tags, lead, crumbs, actions, children } = props;
  const name = props.name ?? (typeof title === "string" ? title : "");
  const trail = JSON.stringify([...(crumbs ?? []), { title: name }]);
  useEffect(() => {
    setCrumbs(JSON.parse(trail) as Crumb[]);
    document.title = `${name} · sampan`;
  }, [trail, name]);
  return (
    <>
      <header className="page-head">
        <div className="titles">
          <h1>
            <span>{title}</span>
            {tags}
          </h1>
          {lead ? <p className="lead">{lead}</p> : null}
        </div>
        {actions ? <div className="row actions">{actions}</div> : null}
      </header>
      {children}
    </>
  );
}
