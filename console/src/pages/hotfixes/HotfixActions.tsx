/** Release a hotfix, or withdraw it, having read whom that reaches. */

import { RocketOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useNavigate } from "react-router";
import { query } from "../../api/client";
import { useAct } from "../../app/useAct";
import { ConfirmAction } from "../../design/ConfirmAction";
import { useText } from "../../i18n";
import { useMayOf } from "../apps/useMayOf";
import { goingOut, type HotfixDetail, isLive, isOpen, releasePath } from "./words";

const listed = (numbers: readonly number[]) => numbers.map((each) => `+${each}`).join(", ");

export function HotfixActions({ of: hotfix, named }: { of: HotfixDetail; named: Record<string, string> }) {
  const { say } = useText();
  const may = useMayOf(hotfix.app);
  const act = useAct();
  const navigate = useNavigate();
  const withdraw = query.useMutation("post", "/apps/{app}/versions/{sequence}/hotfixes/{n}/withdraw");
  const { app, sequence, n, state, dependents, survivors, devices } = hotfix;
  // One release of it at a time: while one is under way, the way leads there.
  const going = goingOut(hotfix);
  const isOver = state === "withdrawn" || state === "rejected";
  // What nobody approved yet its publisher takes back; what is public, whoever may stop releases.
  const mayWithdraw = may("release:stop") || (isOpen(hotfix) && may("version:submit"));
  return (
    <>
      {!isOver && mayWithdraw ? (
        <ConfirmAction
          label={say("hotfixes.withdraw")}
          danger
          title={say("hotfixes.withdrawTitle", { ...named, n })}
          what={
            <div className="stack tight">
              <p>{say(isOpen(hotfix) ? "hotfixes.withdrawWaiting" : "hotfixes.withdrawWhat")}</p>
              {isOpen(hotfix) ? null : (
                <p className={devices > 0 ? "strong" : ""}>{say("hotfixes.withdrawDevices", { n: devices })}</p>
              )}
              {dependents.length > 0 ? (
                <p className="strong">{say("hotfixes.withdrawDependents", { numbers: listed(dependents) })}</p>
              ) : null}
              {survivors.length > 0 ? (
                <p className="strong">{say("hotfixes.withdrawSurvivors", { numbers: listed(survivors) })}</p>
              ) : null}
              {dependents.length + survivors.length === 0 ? <p>{say("hotfixes.withdrawAlone")}</p> : null}
            </div>
          }
          reason="required"
          reasonField="cause"
          done={say("hotfixes.withdrawn")}
          onConfirm={(cause) =>
            act(() => withdraw.mutateAsync({ params: { path: { app, sequence, n } }, body: { cause } }))
          }
        />
      ) : null}
      {isLive(hotfix) && may("release:create") ? (
        going ? (
          <Button icon={<RocketOutlined />} onClick={() => navigate(`/releases/${going.id}`)}>
            {say("hotfixes.goingOut")}
          </Button>
        ) : (
          <Button type="primary" icon={<RocketOutlined />} onClick={() => navigate(releasePath(hotfix))}>
            {say("hotfixes.release")}
          </Button>
        )
      ) : null}
    </>
  );
}
