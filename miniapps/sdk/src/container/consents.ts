/** What the customer allowed each app: kept on the device, told to the server, withdrawn at any time. */

import { ServerAway } from "../session/calls";
import type { Session } from "../session/session";
import type { Store } from "../store/store";
import { isList, isObject } from "../trust/canonical";
import type { ConsentPort } from "./ports";

const PREFIX = "consent/";
const PATH = "/client/v1/consents";

/** Ask the customer; resolves whether they allow it. */
export type AskConsent = (app: string, permission: string) => Promise<boolean>;

export class Consents implements ConsentPort {
  /** Refused while this page lives: an app that asks again gets the same answer. */
  private readonly refused = new Set<string>();
  private readonly asking = new Map<string, Promise<boolean>>();

  constructor(
    private readonly store: Store,
    private readonly session: Pick<Session, "call">,
    private readonly ask: AskConsent,
  ) {}

  async allows(app: string, permission: string): Promise<boolean> {
    const key = keyOf(app, permission);
    if ((await this.store.get(key)) === true) return true;
    if (this.refused.has(key)) return false;
    const asking = this.asking.get(key) ?? this.decide(app, permission);
    this.asking.set(key, asking);
    return asking.finally(() => this.asking.delete(key));
  }

  /** Take the consent back, here and at the server. Throws `ServerAway` or `ServerSaysNo`, and keeps nothing here. */
  async withdraw(app: string, permission: string): Promise<void> {
    await this.store.write([{ key: keyOf(app, permission) }]);
    await this.session.call("DELETE", `${PATH}/${app}/${permission}`);
  }

  /** Take over what the server keeps of this customer; call it after a sign-in. */
  async refresh(): Promise<void> {
    const { body } = await this.session.call("GET", PATH);
    const rows = isObject(body) && isList(body.consents) ? body.consents.filter(isObject) : [];
    const kept = new Set(rows.map((row) => keyOf(String(row.app), String(row.permission))));
    const gone = (await this.store.keys(PREFIX)).filter((key) => !kept.has(key));
    await this.store.write([...gone.map((key) => ({ key })), ...[...kept].map((key) => ({ key, value: true }))]);
  }

  /** Another customer has this device: nothing that was allowed or refused holds. */
  async forget(): Promise<void> {
    this.refused.clear();
    await this.store.write((await this.store.keys(PREFIX)).map((key) => ({ key })));
  }

  private async decide(app: string, permission: string): Promise<boolean> {
    const key = keyOf(app, permission);
    if (!(await this.ask(app, permission))) {
      this.refused.add(key);
      return false;
    }
    try {
      await this.session.call("PUT", `${PATH}/${app}/${permission}`);
    } catch (thrown) {
      if (!(thrown instanceof ServerAway)) throw thrown; // without a network it holds on this device
    }
    await this.store.write([{ key, value: true }]);
    return true;
  }
}

function keyOf(app: string, permission: string): string {
  return `${PREFIX}${app}/${permission}`;
}
