/** Of a release that waits for a second person: its change request, who may approve it, and the way to take it back. */

import { Link } from "react-router";
import { query } from "../../api/client";
import type { Change, ReleaseDetail } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { Person, Time } from "../../design/Small";
import { useText } from "../../i18n";

export type Awaited = { change: Change; approvers: string };

/** The change request that a release waits for, once all of it is known; undefined when it waits for none. */
export function useWaiting(release: ReleaseDetail | undefined): { isLoading: boolean; data: Awaited | undefined } {
  const mayWait = release?.state === "submitted" || release?.state === "paused";
  const wanted = { target: release?.id ?? "", state: "proposed" as const, limit: 1 };
  const found = query.useQuery("get", "/changes", { params: { query: wanted } }, { enabled: mayWait });
  const change = mayWait ? found.data?.items[0] : undefined;
  const approvers = useApprovers(change?.kind);
  return {
    isLoading: found.isLoading || approvers.isLoading,
    data: change ? { change, approvers: approvers.text } : undefined,
  };
}

export function Waiting({ of: { change, approvers } }: { of: Awaited }) {
  const { say } = useText();
  const { me } = useSession();
  const act = useAct();
  const withdraw = query.useMutation("post", "/changes/{change_id}/withdraw");
  return (
    <Panel title={say("releases.waits")} hint={say("releases.waitsHint")}>
      <div className="stack">
        <Facts
          items={[
            { label: say("releases.waitsWhom"), value: approvers },
            {
              label: say("changes.maker"),
              value: <Person id={change.maker.operator} name={change.maker.name} />,
            },
            { label: say("changes.expires"), value: <Time ms={change.expires_ms} /> },
          ]}
        />
        <div className="row">
          <Link to={`/changes/${change.id}`}>{say("releases.waitsOpen")}</Link>
          {change.maker.person === me.person ? (
            <ConfirmAction
              label={say("changes.withdraw")}
              danger
              title={say("changes.withdrawTitle")}
              what={say("changes.withdrawWhat")}
              onConfirm={() => act(() => withdraw.mutateAsync({ params: { path: { change_id: change.id } } }))}
            />
          ) : null}
        </div>
      </div>
    </Panel>
  );
}

/** Returns the sentence of who may approve: by roles for who may see those, else by the permission. */
function useApprovers(kind: string | undefined): { isLoading: boolean; text: string } {
  const { say, sayOr, language } = useText();
  const { may } = useSession();
  const all = { params: { query: { limit: 200 } } };
  const stays = { enabled: kind !== undefined, staleTime: 600_000 };
  const kinds = query.useQuery("get", "/changes/kinds", all, stays);
  const roles = query.useQuery("get", "/roles", all, { ...stays, enabled: stays.enabled && may("operator:read") });
  const permission = kinds.data?.items.find(({ name }) => name === kind)?.approve ?? "";
  const able = roles.data?.items.filter(({ permissions }) => permissions.includes(permission)) ?? [];
  const list = new Intl.ListFormat(language === "zh" ? "zh-CN" : "en-GB", { type: "disjunction" });
  const names = list.format(able.map(({ name }) => sayOr(`people.role_${name}`, name)));
  const words = names ? say("releases.waitsRoles", { roles: names }) : say("releases.waitsPermission", { permission });
  return { isLoading: kinds.isLoading || roles.isLoading, text: permission ? words : "—" };
}
