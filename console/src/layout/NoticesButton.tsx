/** The bell: how many notices wait, and how grave the worst is. */

import { BellOutlined } from "@ant-design/icons";
import { Badge } from "antd";
import { Link } from "react-router";
import { query } from "../api/client";
import { useText } from "../i18n";

export function NoticesButton() {
  const { say } = useText();
  const { data } = query.useQuery("get", "/notices/unread");
  const n = data?.count ?? 0;
  const name = n > 0 ? say("notices.unread", { n }) : say("notices.title");
  return (
    <Link to="/notices" className="icon-button" aria-label={name}>
      <Badge
        count={n}
        size="small"
        overflowCount={99}
        color={`var(--tone-${data?.worst === "error" ? "bad" : data?.worst === "warning" ? "warn" : "info"}-mark)`}
        styles={{ indicator: { boxShadow: "none" } }}
      >
        <BellOutlined style={{ color: "var(--ink2)" }} />
      </Badge>
    </Link>
  );
}
