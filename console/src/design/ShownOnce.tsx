/** A secret that is shown once, for its owner to keep. */

import { Note } from "./Blocks";
import { Dialog } from "./Dialog";
import { CopyId } from "./Small";

export function ShownOnce(props: { secret: string; title: string; hint: string; onClose: () => void }) {
  return (
    <Dialog isOpen={props.secret !== ""} title={props.title} onClose={props.onClose}>
      <Note tone="warn">{props.hint}</Note>
      <CopyId value={props.secret} whole />
    </Dialog>
  );
}
