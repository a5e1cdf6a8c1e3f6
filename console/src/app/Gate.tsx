/** Shows a page only to those who may see it; others are told which permission it needs. */

import { LockOutlined } from "@ant-design/icons";
import type { ReactNode } from "react";
import { useText } from "../i18n";
import { opens } from "./rights";
import { useSession } from "./session";

export function Gate({ needs, children }: { needs: readonly string[]; children: ReactNode }) {
  const { say } = useText();
  const { me } = useSession();
  if (opens(me, needs)) return children;
  return (
    <div className="panel blank">
      <span className="picture" aria-hidden="true">
        <LockOutlined />
      </span>
      <h1 style={{ fontSize: 17 }}>{say("common.noPermission")}</h1>
      <p>{say("common.noPermissionHint", { permission: needs.join(" / ") })}</p>
    </div>
  );
}
