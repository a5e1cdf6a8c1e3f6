/** What a type of event is called; one that the console does not know keeps the name that devices report. */

import { useText } from "../../i18n";
import { isTextKey } from "../../i18n/catalogue";

/** Returns the name of a type, and a label that has both, so that either is found by typing. */
export function useEventNames(): { name: (type: string) => string; label: (type: string) => string } {
  const { say } = useText();
  const name = (type: string) => {
    const key = `insight.event_${type.replaceAll(".", "_")}`;
    return isTextKey(key) ? say(key) : type;
  };
  return { name, label: (type) => (name(type) === type ? type : `${name(type)} · ${type}`) };
}
