/** What can be done with a release in its present state; the server says which moves there are. */

import { query } from "../../api/client";
import type { ReleaseDetail } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { ConfirmAction } from "../../design/ConfirmAction";
import { useText } from "../../i18n";

export function ReleaseActions({ release }: { release: ReleaseDetail }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const submit = query.useMutation("post", "/releases/{release_id}/submit");
  const resume = query.useMutation("post", "/releases/{release_id}/resume");
  const pause = query.useMutation("post", "/releases/{release_id}/pause");
  const complete = query.useMutation("post", "/releases/{release_id}/complete");
  const stop = query.useMutation("post", "/releases/{release_id}/stop");
  const rollBack = query.useMutation("post", "/releases/{release_id}/rollback");
  const params = { path: { release_id: release.id } };
  const thing = { app: release.deliverable, ...(release.client_app ? { clientApp: release.client_app } : {}) };
  const has = (move: string, permission: string) => release.moves.includes(move) && may(permission, thing);
  const target = release.rollback_to === null ? say("releases.rollbackNone") : `#${release.rollback_to}`;
  return (
    <>
      {has("stop", "release:stop") ? (
        <ConfirmAction
          label={say("releases.stop")}
          danger
          title={say("releases.stopTitle")}
          what={say("releases.stopWhat")}
          reason="required"
          reasonField="cause"
          onConfirm={(cause) => act(() => stop.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("roll_back", "release:stop") ? (
        <ConfirmAction
          label={say("releases.roll_back")}
          danger
          title={say("releases.rollbackTitle")}
          what={say("releases.rollbackWhat", { to: target })}
          reason="required"
          reasonField="cause"
          onConfirm={(cause) => act(() => rollBack.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("pause", "release:stop") ? (
        <ConfirmAction
          label={say("releases.pause")}
          title={say("releases.pauseTitle")}
          what={say("releases.pauseWhat")}
          reason="required"
          reasonField="cause"
          onConfirm={(cause) => act(() => pause.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("complete", "release:submit") ? (
        <ConfirmAction
          label={say("releases.complete")}
          title={say("releases.completeTitle")}
          what={say("releases.completeWhat")}
          reason="optional"
          reasonField="cause"
          onConfirm={(cause) => act(() => complete.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("resume", "release:submit") ? (
        <ConfirmAction
          label={say("releases.resume")}
          type="primary"
          title={say("releases.resumeTitle")}
          what={say("releases.resumeWhat")}
          done={say("releases.proposed")}
          reason="optional"
          reasonField="cause"
          onConfirm={(cause) => act(() => resume.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {has("submit", "release:submit") ? (
        <ConfirmAction
          label={say("releases.submit")}
          type="primary"
          title={say("releases.submitTitle")}
          what={say("releases.submitWhat")}
          done={say("releases.proposed")}
          reason="optional"
          reasonField="cause"
          onConfirm={(cause) => act(() => submit.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
    </>
  );
}
