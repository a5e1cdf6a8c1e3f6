/** Asks for a fresh one-time code when an act of weight needs it, then lets the act go on. */

import { useEffect, useRef, useState } from "react";
import { query, setAsking } from "../api/client";
import { Dialog } from "../design/Dialog";
import { ProblemForm } from "../design/ProblemForm";
import { useText } from "../i18n";
import { CodeField } from "../pages/session/Fields";

export function SecondFactor() {
  const { say } = useText();
  const [isOpen, setOpen] = useState(false);
  const answer = useRef<(confirmed: boolean) => void>(() => {});
  const confirm = query.useMutation("post", "/session/totp");

  useEffect(() => {
    setAsking({
      secondFactor: () =>
        new Promise((resolve) => {
          answer.current = resolve;
          setOpen(true);
        }),
    });
  }, []);

  const close = (confirmed: boolean) => {
    setOpen(false);
    answer.current(confirmed);
  };
  return (
    <Dialog isOpen={isOpen} title={say("session.confirmTitle")} onClose={() => close(false)} width={420} zIndex={1500}>
      <p className="muted">{say("session.confirmHint")}</p>
      <ProblemForm<{ totp: string }>
        submit={say("session.confirm")}
        doneText=""
        byCode={{ wrong_code: ["totp"] }}
        onSubmit={(body) => confirm.mutateAsync({ body })}
        onDone={() => close(true)}
        onCancel={() => close(false)}
      >
        <CodeField />
      </ProblemForm>
    </Dialog>
  );
}
