/** Exchanges the key that signs customers' access tokens. */

import { Checkbox, Form } from "antd";
import { query } from "../../api/client";
import { useAct } from "../../app/useAct";
import { Note } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { useText } from "../../i18n";

export function RotateTokenKeys() {
  const { say } = useText();
  const act = useAct();
  const rotate = query.useMutation("post", "/token-keys/rotate");
  return (
    <ConfirmAction
      label={say("trust.rotateTokens")}
      title={say("trust.rotateTokensTitle")}
      what={say("trust.rotateTokensWhat")}
      done={say("trust.rotatedTokens")}
      initial={{ at_once: false }}
      onConfirm={(_, values) => act(() => rotate.mutateAsync({ body: { at_once: values.at_once === true } }))}
    >
      <Form.Item name="at_once" valuePropName="checked">
        <Checkbox>{say("trust.rotateAtOnce")}</Checkbox>
      </Form.Item>
      <AtOnceWarning />
    </ConfirmAction>
  );
}

function AtOnceWarning() {
  const { say } = useText();
  return Form.useWatch("at_once") ? <Note tone="bad">{say("trust.rotateAtOnceWhat")}</Note> : null;
}
