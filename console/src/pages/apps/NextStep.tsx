/** What the publisher does when a version needs new signatures or another number: the command, or the signed file. */

import { App } from "antd";
import { useState } from "react";
import { query } from "../../api/client";
import { asProblem, Problem } from "../../api/problem";
import type { VersionDetail } from "../../api/types";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { DropFile } from "../../design/DropFile";
import { ProblemNote } from "../../design/ProblemText";
import { CopyId } from "../../design/Small";
import { useText } from "../../i18n";
import { readSigned, signedName } from "./submit";
import { useMayOf } from "./useMayOf";

export function NextStep({ version }: { version: VersionDetail }) {
  const { say } = useText();
  const may = useMayOf(version.app);
  const { state } = version;
  if (!may("version:submit")) return null;
  if (state === "needs_signature") return <SignAnew version={version} />;
  if (state !== "sequence_superseded") return null;
  return (
    <Panel title={say("apps.nextUp")}>
      <div className="stack tight">
        <span className="muted">{say("apps.resequenceWhat")}</span>
        <Resequence version={version} />
      </div>
    </Panel>
  );
}

function Resequence({ version }: { version: VersionDetail }) {
  const next = query.useQuery("get", "/apps/{app}/next-sequence", { params: { path: { app: version.app } } });
  const number = next.data?.sequence;
  return number ? <CopyId value={`${publish(version)} --resequence ${number} --wait`} whole /> : null;
}

function SignAnew({ version }: { version: VersionDetail }) {
  const { say } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const resign = query.useMutation("post", "/apps/{app}/versions/{sequence}/bodies");
  const [problem, setProblem] = useState<Problem | null>(null);
  const { app, sequence, digest } = version;
  const give = async (file: File) => {
    setProblem(null);
    const signed = readSigned(await file.text());
    if (signed === null) return setProblem(new Problem(0, "not_signed_bodies", say("apps.submitKindSigned")));
    if (signed.digest !== digest) {
      return setProblem(new Problem(0, "signed_another_package", say("apps.submitOtherPackage")));
    }
    try {
      const params = { path: { app, sequence } };
      await act(() => resign.mutateAsync({ params, body: { bodies: signed.bodies } }));
      message.success(say("apps.submitDone"));
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
  };
  return (
    <Panel title={say("apps.nextUp")}>
      <div className="stack tight">
        <span className="muted">{say("apps.signAnewWhat")}</span>
        <CopyId value={`${publish(version)} --out ${signedName(packageName(version))}`} whole />
        <DropFile label={say("apps.submitSigned")} accept=".json" disabled={resign.isPending} onFile={give} />
        <ProblemNote problem={problem} />
        <span className="small muted">{say("apps.submitAtOnce")}</span>
        <CopyId value={`${publish(version)} --resign --wait`} whole />
      </div>
    </Panel>
  );
}

function packageName({ app, version }: VersionDetail): string {
  return `${app}-${version}.ma`;
}

function publish(version: VersionDetail): string {
  return `sampan publish ${packageName(version)} --key publisher.pem`;
}
