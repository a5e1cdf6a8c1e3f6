/** A code that a tester's device scans to open a version before its review. */

import { toDataURL } from "qrcode";
import { useEffect, useState } from "react";
import { Panel } from "../../design/Blocks";
import { CopyId } from "../../design/Small";
import { useText } from "../../i18n";

export function TrialCode({ url }: { url: string }) {
  const { say } = useText();
  const image = useCode(url);
  return (
    <Panel title={say("apps.trialOpen")}>
      <div className="stack tight" style={{ alignItems: "flex-start" }}>
        <span className="muted">{say("apps.trialHint")}</span>
        {image ? <img src={image} alt={url} width={148} height={148} style={{ borderRadius: 8 }} /> : null}
        <CopyId value={url} whole />
      </div>
    </Panel>
  );
}

function useCode(text: string): string {
  const [image, setImage] = useState("");
  useEffect(() => {
    let isWanted = true;
    toDataURL(text, { margin: 2, scale: 6 }).then((made) => isWanted && setImage(made));
    return () => {
      isWanted = false;
    };
  }, [text]);
  return image;
}
