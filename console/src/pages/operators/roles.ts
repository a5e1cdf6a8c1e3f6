/** What roles are called. */

import { useText } from "../../i18n";

/** Returns a function from a role to its name; a bank's own role is called what the bank called it. */
export function useRoleName(): (role: string) => string {
  const { sayOr } = useText();
  return (role) => sayOr(`people.role_${role}`, role);
}
