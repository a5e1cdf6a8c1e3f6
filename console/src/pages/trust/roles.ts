/** What the roles of a trust tree are called. */

import { useText } from "../../i18n";
import { useAppNames } from "../apps/names";

/** Returns a function from a role to its name; `app.` and an id is the mini-app of that id. */
export function useTrustRoleName(): (role: string) => string {
  const { sayOr } = useText();
  const names = useAppNames();
  return (role) => names(role.replace(/^app\./, "")) || sayOr(`trust.role_${role}`, role);
}
