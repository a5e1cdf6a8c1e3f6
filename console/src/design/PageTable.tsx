/** A calm dense table: the server pages it, the keyboard reaches every row, on a phone each row is a small card. */

import { Button } from "antd";
import type { ReactNode } from "react";
import { useNavigate } from "react-router";
import { useText } from "../i18n";
import type { Pages } from "./pages";
import { Empty, ErrorState, Loading } from "./States";

export type Column<Row> = {
  key: string;
  title: string;
  render: (row: Row) => ReactNode;
  right?: boolean;
  width?: string;
  nowrap?: boolean;
};

export function PageTable<Row>(props: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[] | undefined;
  rowKey: (row: Row) => string;
  /** Where a click on the row leads; the first cell has to hold a link to the same place for the keyboard. */
  href?: (row: Row) => string;
  error?: unknown;
  onRetry?: () => void;
  isUpdating?: boolean;
  empty?: ReactNode;
  isFiltered?: boolean;
  pages?: Pages;
}) {
  const { label, columns, rows, rowKey, href, error, onRetry, isUpdating, empty, isFiltered, pages } = props;
  const navigate = useNavigate();
  if (rows === undefined && error) return <ErrorState error={error} onRetry={onRetry} />;
  if (rows?.length === 0 && (pages?.number ?? 1) === 1) return isFiltered ? <Empty filtered /> : (empty ?? <Empty />);
  return (
    <>
      {rows === undefined ? (
        <Loading lines={6} />
      ) : (
        <div className={isUpdating ? "table-scroll updating" : "table-scroll"}>
          <table className="table" aria-label={label} aria-busy={isUpdating}>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th
                    key={column.key}
                    scope="col"
                    className={column.right ? "right" : ""}
                    style={{ width: column.width }}
                  >
                    {column.title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr
                  key={rowKey(row)}
                  className={href ? "linked" : ""}
                  onClick={
                    href
                      ? (event) => {
                          const own = (event.target as HTMLElement).closest("a, button, input, label");
                          if (!own && !window.getSelection()?.toString()) navigate(href(row));
                        }
                      : undefined
                  }
                >
                  {columns.map((column) => (
                    <td
                      key={column.key}
                      data-title={column.title}
                      className={[column.right ? "right num" : "", column.nowrap ? "nowrap" : ""].join(" ").trim()}
                    >
                      <div className="cell">{column.render(row)}</div>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages ? <Pager pages={pages} shown={rows?.length} /> : null}
    </>
  );
}

/** The way to the other pages. It stays while one is fetched, so that the button that was pressed keeps the focus. */
export function Pager({ pages, shown }: { pages: Pages; shown: number | undefined }) {
  const { say } = useText();
  if (pages.number === 1 && !pages.hasNext) return null;
  const from = (pages.number - 1) * pages.size + 1;
  return (
    <nav className="pager" aria-label={say("common.page", { n: pages.number })}>
      <span className="num">
        {shown === undefined
          ? say("common.page", { n: pages.number })
          : say("common.shown", { from, to: from + shown - 1 })}
        {pages.total === undefined ? "" : ` · ${say("common.total", { n: pages.total })}`}
      </span>
      <span className="row">
        <Button size="small" disabled={pages.number === 1} onClick={pages.back}>
          {say("common.previous")}
        </Button>
        <Button size="small" disabled={shown !== undefined && !pages.hasNext} onClick={pages.next}>
          {say("common.next")}
        </Button>
      </span>
    </nav>
  );
}
