import type { Confirmation } from "@sampan/sdk";
import type { Board } from "./board";
import type { Asker } from "./host";

/** The customer in front of the shell: how they want it to look, and what they are asked. */
export class Customer {
  asker: Asker | null = null;
  theme = { scheme: "light" as "light" | "dark", fontScale: 1 };
  language = "zh";

  constructor(private readonly board: Board) {}

  async consents(app: string, permission: string): Promise<boolean> {
    const found = this.board.entry(app);
    return found !== undefined && ((await this.asker?.consent(found, permission)) ?? false);
  }

  async confirmed(app: string, what: Confirmation): Promise<boolean> {
    const found = this.board.entry(app);
    if (found === undefined || this.asker === null) return false;
    if (what.kind === "sign") {
      const { title, order } = what.signing;
      return this.asker.confirm(found, { kind: "sign", title, order, amount: null });
    }
    const { title, order, amount } = what.payment;
    return this.asker.confirm(found, {
      kind: "pay",
      title,
      order,
      amount: { minor: amount.value_minor, currency: amount.currency },
    });
  }
}
