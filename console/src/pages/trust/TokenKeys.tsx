/** Exchanges the key that signs customers' access tokens. */

import { Checkbox } from "antd";
import { useEffect, useState } from "react";
import { query } from "../../api/client";
import { useAct } from "../../app/useAct";
import { Note } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { useText } from "../../i18n";

export function RotateTokenKeys() {
  const { say } = useText();
  const act = useAct();
  const [atOnce, setAtOnce] = useState(false);
  const rotate = query.useMutation("post", "/token-keys/rotate");
  return (
    <ConfirmAction
      label={say("trust.rotateTokens")}
      title={say("trust.rotateTokensTitle")}
      what={say("trust.rotateTokensWhat")}
      danger={atOnce}
      done={say("trust.rotatedTokens")}
      onConfirm={() => act(() => rotate.mutateAsync({ body: { at_once: atOnce } }))}
    >
      <AtOnce value={atOnce} onChange={setAtOnce} />
    </ConfirmAction>
  );
}

/** The choice lasts as long as the dialog: opened again, it is off. */
function AtOnce({ value, onChange }: { value: boolean; onChange: (value: boolean) => void }) {
  const { say } = useText();
  useEffect(() => () => onChange(false), [onChange]);
  return (
    <>
      <Checkbox checked={value} onChange={(event) => onChange(event.target.checked)}>
        {say("trust.rotateAtOnce")}
      </Checkbox>
      {value ? <Note tone="bad">{say("trust.rotateAtOnceWhat")}</Note> : null}
    </>
  );
}
