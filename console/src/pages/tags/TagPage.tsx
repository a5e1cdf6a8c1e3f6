/** One tag: how many have it, the files that filled it, single changes, and what names it. */

import { EditOutlined } from "@ant-design/icons";
import { Form, Input } from "antd";
import { useNavigate, useParams } from "react-router";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { CopyId, Person, Time } from "../../design/Small";
import { Fetch, Loading } from "../../design/States";
import { useText } from "../../i18n";
import { UseNames, Uses, useUses } from "../audiences/Uses";
import { FewMembers } from "./FewMembers";
import { Imports } from "./Imports";
import { isOpen, type Tag, useCount } from "./states";
import { TagHistory } from "./TagHistory";
import { Upload } from "./Upload";

const LOOK_MS = 1_000;

export default function TagPage() {
  const { say } = useText();
  const { may } = useSession();
  const count = useCount();
  const { tag: name = "" } = useParams();
  const found = query.useQuery(
    "get",
    "/tags/{tag}",
    { params: { path: { tag: name } } },
    { refetchInterval: ({ state }) => (isOpen(state.data?.last_import) ? LOOK_MS : false) },
  );
  const uses = useUses("tag", name);
  const tag = found.data;
  const mayEdit = may("tag:edit");
  return (
    <PageFrame
      title={tag ? tag.title || tag.name : name}
      crumbs={[{ title: say("tags.title"), to: "/tags" }]}
      actions={
        tag && mayEdit ? (
          <>
            <DeleteTag tag={tag} />
            <EditTitle tag={tag} />
            <FewMembers tag={tag.name} />
          </>
        ) : null
      }
    >
      <Fetch of={found}>
        {(one) =>
          uses.isPending ? (
            <Loading lines={8} />
          ) : (
            <div className="columns">
              <div className="stack">
                {mayEdit ? <Upload tag={one} /> : null}
                <Imports tag={one} />
              </div>
              <div className="stack">
                <Panel title={say("common.details")}>
                  <Facts
                    one
                    items={[
                      {
                        label: say("tags.members"),
                        value: (
                          <>
                            <div className="estimate-number num">{count(one.members)}</div>
                            <div className="small muted">{say("tags.membersHint")}</div>
                          </>
                        ),
                      },
                      { label: say("tags.name"), value: <CopyId value={one.name} whole /> },
                      { label: say("tags.madeBy"), value: <Person id={one.made_by} /> },
                      { label: say("common.created"), value: <Time ms={one.created_ms} absolute /> },
                      { label: say("common.changed"), value: <Time ms={one.changed_ms} /> },
                    ]}
                  />
                </Panel>
                <Panel title={say("tags.uses")} flush>
                  <Uses of={uses} none={say("tags.usesNone")} hint={say("tags.usesNoneHint")} />
                </Panel>
                {may("audit:read") ? <TagHistory tag={one.name} /> : null}
              </div>
            </div>
          )
        }
      </Fetch>
    </PageFrame>
  );
}

function EditTitle({ tag }: { tag: Tag }) {
  const { say } = useText();
  const act = useAct();
  const rename = query.useMutation("patch", "/tags/{tag}");
  return (
    <FormDialog<{ title: string }>
      label={say("tags.edit")}
      icon={<EditOutlined />}
      title={say("tags.edit")}
      submit={say("common.save")}
      initial={{ title: tag.title }}
      onSubmit={(body) => act(() => rename.mutateAsync({ params: { path: { tag: tag.name } }, body }))}
    >
      <Form.Item name="title" label={say("tags.titleLabel")} extra={say("tags.titleHint")}>
        <Input maxLength={200} />
      </Form.Item>
    </FormDialog>
  );
}

/** Says who loses it, and what still names it. */
function DeleteTag({ tag }: { tag: Tag }) {
  const { say } = useText();
  const act = useAct();
  const navigate = useNavigate();
  const count = useCount();
  const uses = useUses("tag", tag.name);
  const remove = query.useMutation("delete", "/tags/{tag}");
  const items = uses.found.data?.items ?? [];
  return (
    <ConfirmAction
      label={say("tags.delete")}
      danger
      title={say("tags.deleteTitle")}
      what={
        <>
          <p className="strong wrap">{tag.title || tag.name}</p>
          <p>{say("tags.deleteWhat", { n: count(tag.members) })}</p>
          {items.length > 0 ? (
            <>
              <p className="strong">{say("tags.deleteUsed")}</p>
              <UseNames items={items} />
            </>
          ) : (
            <p className="muted">{say("tags.deleteUnused")}</p>
          )}
        </>
      }
      onConfirm={async () => {
        await remove.mutateAsync({ params: { path: { tag: tag.name } } });
        navigate("/tags");
        await act(async () => {});
      }}
    />
  );
}
