/** The way to an explanation from a page about a device, a customer, or a release's deliverable. */

import { QuestionCircleOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useNavigate } from "react-router";
import { useSession } from "../../app/session";
import { useText } from "../../i18n";

export function ExplainLink(about: { device?: string; customer?: string; id?: string }) {
  const { say } = useText();
  const { may } = useSession();
  const navigate = useNavigate();
  if (!may("audience:explain", {}) || !may("release:read", {})) return null;
  return (
    <Button icon={<QuestionCircleOutlined />} onClick={() => navigate(`/explain?${new URLSearchParams(about)}`)}>
      {say("explain.explainOne")}
    </Button>
  );
}
