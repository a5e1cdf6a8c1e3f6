/** What a type of event is called; one that the console does not know keeps the name that devices report. */

import { useText } from "../../i18n";
import { isTextKey } from "../../i18n/catalogue";

export function useEventName(): (type: string) => string {
  const { say } = useText();
  return (type) => {
    const key = `insight.event_${type.replaceAll(".", "_")}`;
    return isTextKey(key) ? say(key) : type;
  };
}
