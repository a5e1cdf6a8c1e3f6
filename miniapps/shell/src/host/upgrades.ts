import type { Sampan } from "@sampan/sdk";
import type { Board } from "./board";
import type { Upgrade } from "./host";
import { isObject, text } from "./read";

const PUT_OFF = "shell/upgrade_put_off";
const AGAIN_AFTER_MS = 24 * 3_600_000;
const LINK =
  /^(?:https|itms-apps|market|appmarket|store|mimarket|oppomarket|vivomarket|samsungapps):\/\/[^\s"'<>\\`]+$/;

interface PutOff {
  release: string;
  untilMs: number;
}

/** The newer version of the shell that the bank leads this customer to, and until when its reminder is put off. */
export class Upgrades {
  constructor(
    private readonly board: Board,
    private readonly ready: () => Sampan,
  ) {}

  /** Show what the bank's last answer said. It is called after answers alone: what is remembered locks nobody out. */
  async answered(): Promise<void> {
    const { sync, store } = this.ready();
    const upgrade = readUpgrade((await sync.members()).upgrade);
    const putOff = (await store.get(PUT_OFF)) as PutOff | undefined;
    const isPutOff = putOff !== undefined && putOff.release === upgrade?.release && Date.now() < putOff.untilMs;
    this.board.change({ upgrade: upgrade !== null && (upgrade.isForced || !isPutOff) ? upgrade : null });
  }

  putOff(): void {
    const { upgrade } = this.board.snapshot();
    if (upgrade === null || upgrade.isForced) return;
    const value: PutOff = { release: upgrade.release, untilMs: Date.now() + AGAIN_AFTER_MS };
    this.board.change({ upgrade: null });
    void this.ready().store.write([{ key: PUT_OFF, value }]);
  }
}

/** Return the upgrade that a sync answer tells; null when there is none, or none that could be shown. */
export function readUpgrade(told: unknown): Upgrade | null {
  if (!isObject(told) || !LINK.test(text(told.url))) return null;
  const said = isObject(told.text) ? told.text : {};
  return {
    version: text(told.version),
    isForced: told.mode === "forced",
    url: text(told.url),
    text: { zh: text(said.zh), en: text(said.en) },
    release: text(told.release),
  };
}
