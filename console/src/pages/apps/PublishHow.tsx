/** How a version is submitted: signed where the publisher's key is, which is never in a browser. */

import { UploadOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useState } from "react";
import { Dialog } from "../../design/Dialog";
import { CopyId } from "../../design/Small";
import { useText } from "../../i18n";

export function PublishHow({ app }: { app: string }) {
  const { say } = useText();
  const [isOpen, setOpen] = useState(false);
  const steps = [
    [say("apps.publishStep1"), `sampan pack DIST --id ${app}`],
    [say("apps.publishStep2"), "sampan check DIST"],
    [say("apps.publishStep3"), `sampan publish dist/${app}-VERSION.ma --key publisher.pem --wait`],
  ] as const;
  return (
    <>
      <Button icon={<UploadOutlined />} onClick={() => setOpen(true)}>
        {say("apps.publishHow")}
      </Button>
      <Dialog isOpen={isOpen} title={say("apps.publishHow")} onClose={() => setOpen(false)} width={600}>
        <p className="muted">{say("apps.publishHowLead")}</p>
        {steps.map(([text, command]) => (
          <div key={command}>
            <div style={{ marginBottom: 4 }}>{text}</div>
            <CopyId value={command} whole />
          </div>
        ))}
      </Dialog>
    </>
  );
}
