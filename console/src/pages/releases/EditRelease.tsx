/** A draft once more, step by step. */

import { useParams } from "react-router";
import { query } from "../../api/client";
import { PageFrame } from "../../design/PageFrame";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { ReleaseWizard } from "./NewRelease";

export default function EditRelease() {
  const { say } = useText();
  const { release = "" } = useParams();
  const found = query.useQuery("get", "/releases/{release_id}", { params: { path: { release_id: release } } });
  if (found.data) return <ReleaseWizard key={found.data.id} draft={found.data} />;
  return (
    <PageFrame title={say("releases.edit")} crumbs={[{ title: say("releases.title"), to: "/releases" }]}>
      <Fetch of={found}>{() => null}</Fetch>
    </PageFrame>
  );
}
