/** The version whose hotfixes are released: an app, and one of its published versions. */

import { useState } from "react";
import { Choice } from "../../design/Choice";
import { useText } from "../../i18n";
import { AppChoice } from "../apps/AppChoice";
import { deliverableOf, patchedOf } from "../hotfixes/words";
import { useVersions } from "./kinds";

type Props = {
  id?: string;
  value?: string | null;
  disabled?: boolean;
  onChange?: (value: string) => void;
};

export function PatchedChoice({ id, value, disabled, onChange, ...rest }: Props) {
  const { say } = useText();
  const present = patchedOf(value ?? "");
  const [chosen, setChosen] = useState(present.app);
  const app = present.app || chosen;
  const versions = useVersions("miniapp", app);
  return (
    <div className="fix-line">
      <AppChoice
        {...rest}
        {...(id ? { id } : {})}
        kind="miniapp"
        disabled={disabled ?? false}
        value={app || null}
        onChange={(next) => {
          setChosen(next ?? "");
          onChange?.("");
        }}
      />
      <Choice<number>
        aria-label={say("releases.patched")}
        placeholder={say("releases.patched")}
        disabled={(disabled ?? false) || app === ""}
        value={present.sequence || null}
        options={(versions.items ?? []).map((each) => ({
          value: each.sequence,
          label: `${each.version} (#${each.sequence})`,
        }))}
        onChange={(sequence) => onChange?.(sequence ? deliverableOf(app, sequence) : "")}
      />
    </div>
  );
}
