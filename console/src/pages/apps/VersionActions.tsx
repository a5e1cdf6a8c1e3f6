/** What else can be done with a version: release it, take it back, check it again, forbid it. */

import { RocketOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import { useNavigate } from "react-router";
import { query } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { VersionDetail } from "../../api/types";
import { useAct } from "../../app/useAct";
import { ConfirmAction } from "../../design/ConfirmAction";
import { useText } from "../../i18n";
import { Kill } from "./Kill";
import { useMayOf } from "./useMayOf";

export function VersionActions({ version, name }: { version: VersionDetail; name: string }) {
  const { say } = useText();
  const can = useMayOf(version.app);
  const { message } = App.useApp();
  const act = useAct();
  const navigate = useNavigate();
  const forward = query.useMutation("post", "/apps/{app}/versions/{sequence}/bring-forward");
  const withdraw = query.useMutation("post", "/apps/{app}/versions/{sequence}/withdraw");
  const recheck = query.useMutation("post", "/apps/{app}/versions/{sequence}/recheck");
  const { app, sequence, state, moves } = version;
  const path = { params: { path: { app, sequence } } };
  return (
    <>
      {state === "uploaded" && can("version:review") ? (
        <ConfirmAction
          label={say("apps.bringForward")}
          title={say("apps.bringForward")}
          what={say("apps.bringForwardWhat")}
          reason="optional"
          reasonField="note"
          onConfirm={(note) => act(() => forward.mutateAsync({ ...path, body: { note } }))}
        />
      ) : null}
      {state === "checks_failed" && can("version:submit") ? (
        <Button
          onClick={() =>
            act(() => recheck.mutateAsync(path)).then(
              () => message.success(say("apps.rechecked")),
              (thrown) => message.error(asProblem(thrown).detail),
            )
          }
        >
          {say("apps.recheck")}
        </Button>
      ) : null}
      {moves.includes("withdrawn") && can("version:submit") ? (
        <ConfirmAction
          label={say("apps.withdraw")}
          title={say("apps.withdrawTitle")}
          what={say("apps.withdrawWhat")}
          reason="optional"
          reasonField="note"
          onConfirm={(note) => act(() => withdraw.mutateAsync({ ...path, body: { note } }))}
        />
      ) : null}
      {moves.includes("killed") && can("release:kill") ? <Kill version={version} name={name} /> : null}
      {state === "published" && can("release:create") ? (
        <Button
          type="primary"
          icon={<RocketOutlined />}
          onClick={() => navigate(`/releases/new?kind=${version.kind}&app=${app}&sequence=${sequence}`)}
        >
          {say("apps.newRelease")}
        </Button>
      ) : null}
    </>
  );
}
