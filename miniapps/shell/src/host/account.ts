import { Calls, type Sampan } from "@sampan/sdk";
import { HostProblem } from "../pages/problem";
import { asked } from "./asked";
import type { Board } from "./board";
import { RECENTS } from "./catalogue";
import type { Consent, DeviceRow, Snapshot, Tier } from "./host";
import { TIERS } from "./host";
import { international, PHONE_INVALID } from "./phone";
import { isObject, list, type Row, text } from "./read";

const ME = "shell/me";

interface Me {
  tier: Tier;
  customer: Snapshot["customer"];
}

/** Who is signed in on this device: signing in and out, the customer's devices and consents. */
export class Account {
  constructor(
    private readonly board: Board,
    private readonly ready: () => Sampan,
    private readonly sync: () => Promise<void>,
  ) {}

  async askCode(phone: string, language: string): Promise<string | null> {
    const number = theNumber(phone);
    await asked(this.ready().session.askCode(number, language));
    if (!this.board.snapshot().demo) return null;
    const { body } = await asked(new Calls(location.origin).send("GET", "/client/v1/demo/codes"));
    return text(list(body, "codes").find((each) => each.phone === number)?.code);
  }

  async signIn(phone: string, code: string): Promise<void> {
    await asked(this.ready().session.signIn(theNumber(phone), code.trim()));
    await this.changed();
  }

  async signOut(): Promise<void> {
    await asked(this.ready().session.signOut());
    await this.ready().store.write([{ key: RECENTS }]);
    await this.changed();
  }

  async raiseTo(tier: Tier): Promise<void> {
    await asked(this.ready().session.call("POST", "/client/v1/demo/tier", { tier }));
    await this.changed();
  }

  async devices(): Promise<readonly DeviceRow[]> {
    const { body } = await asked(this.ready().session.call("GET", "/client/v1/devices"));
    return list(body, "devices").map((row) => ({
      id: text(row.id),
      isThis: row.is_this === true,
      platform: text(row.platform),
      model: text(row.model),
      lastSeenMs: Number(row.last_seen_ms ?? 0),
    }));
  }

  async signOutDevice(id: string): Promise<void> {
    await asked(this.ready().session.call("DELETE", `/client/v1/devices/${encodeURIComponent(id)}`));
  }

  async consents(): Promise<readonly Consent[]> {
    const { body } = await asked(this.ready().session.call("GET", "/client/v1/consents"));
    return list(body, "consents").map((row) => ({
      app: text(row.app),
      permission: text(row.permission),
      grantedMs: Number(row.granted_ms ?? 0),
    }));
  }

  async withdraw(app: string, permission: string): Promise<void> {
    await asked(this.ready().consents.withdraw(app, permission));
  }

  /** Show who was signed in when this device last heard of it. */
  async showKept(): Promise<void> {
    const me = (await this.ready().store.get(ME)) as Me | undefined;
    if (me) this.board.change({ tier: me.tier, customer: me.customer });
  }

  async read(): Promise<void> {
    const { session, store } = this.ready();
    try {
      const { body } = await session.call("GET", "/client/v1/me");
      const me = meOf(body);
      await store.write([{ key: ME, value: me }]);
      this.board.change({ tier: me.tier, customer: me.customer });
    } catch {
      // what was known stays
    }
  }

  private async changed(): Promise<void> {
    await this.read();
    await this.sync();
  }
}

function meOf(body: unknown): Me {
  const { tier, customer }: Row = isObject(body) ? body : {};
  const named = isObject(customer) ? customer : null;
  return {
    tier: TIERS.find((each) => each === tier) ?? "visitor",
    customer: named && { name: text(named.name_masked), phone: text(named.phone_masked) },
  };
}

function theNumber(phone: string): string {
  const number = international(phone);
  if (number === null) throw new HostProblem(PHONE_INVALID, "This is no phone number.");
  return number;
}
