/** Of a release that waits for a second person: its change request, who may approve it, and the way to take it back. */

import { Link } from "react-router";
import { query } from "../../api/client";
import type { ReleaseDetail } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { Person, Time } from "../../design/Small";
import { useText } from "../../i18n";

export function Waiting({ release }: { release: ReleaseDetail }) {
  const { say } = useText();
  const { me } = useSession();
  const act = useAct();
  const mayWait = release.state === "submitted" || release.state === "paused";
  const wanted = { target: release.id, state: "proposed" as const, limit: 1 };
  const found = query.useQuery("get", "/changes", { params: { query: wanted } }, { enabled: mayWait });
  const withdraw = query.useMutation("post", "/changes/{change_id}/withdraw");
  const change = mayWait ? found.data?.items[0] : undefined;
  const approvers = useApprovers(change?.kind);
  if (!change) return null;
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
function useApprovers(kind: string | undefined): string {
  const { say, sayOr, language } = useText();
  const { may } = useSession();
  const stays = { enabled: kind !== undefined, staleTime: 600_000 };
  const kinds = query.useQuery("get", "/changes/kinds", { params: { query: { limit: 200 } } }, stays);
  const roles = query.useQuery(
    "get",
    "/roles",
    { params: { query: { limit: 200 } } },
    { ...stays, enabled: stays.enabled && may("operator:read") },
  );
  const permission = kinds.data?.items.find(({ name }) => name === kind)?.approve ?? "";
  if (!permission) return "—";
  const able = roles.data?.items.filter(({ permissions }) => permissions.includes(permission)) ?? [];
  if (able.length === 0) return say("releases.waitsPermission", { permission });
  const list = new Intl.ListFormat(language === "zh" ? "zh-CN" : "en-GB", { type: "disjunction" });
  return say("releases.waitsRoles", { roles: list.format(able.map(({ name }) => sayOr(`people.role_${name}`, name))) });
}
