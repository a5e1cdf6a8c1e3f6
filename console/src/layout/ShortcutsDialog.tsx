import type { ReactNode } from "react";
import type { Group } from "../app/menu";
import { Kbd } from "../design/Blocks";
import { Dialog } from "../design/Dialog";
import { useText } from "../i18n";

export function ShortcutsDialog(props: { isOpen: boolean; onClose: () => void; groups: readonly Group[] }) {
  const { say } = useText();
  const line = (keys: ReactNode, text: string) => (
    <div className="row between" key={text}>
      <span>{text}</span>
      <span className="row">{keys}</span>
    </div>
  );
  return (
    <Dialog isOpen={props.isOpen} title={say("frame.shortcuts")} onClose={props.onClose} width={460}>
      <div className="stack tight">
        {line(<Kbd>?</Kbd>, say("frame.shortcutHelp"))}
        {line(<Kbd>/</Kbd>, say("frame.shortcutSearch"))}
        {line(<Kbd>m</Kbd>, say("frame.shortcutMenu"))}
        {props.groups
          .flatMap((group) => group.places)
          .filter((place) => place.key)
          .map((place) =>
            line(
              <>
                <Kbd>g</Kbd>
                <span className="small muted">{say("frame.shortcutThen")}</span>
                <Kbd>{place.key}</Kbd>
              </>,
              say("frame.shortcutGo", { page: say(place.text) }),
            ),
          )}
      </div>
    </Dialog>
  );
}
