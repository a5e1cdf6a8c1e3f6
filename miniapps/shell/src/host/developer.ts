import { type Installed, parseIndex, type Sampan, type ShellFacts, versionName } from "@sampan/sdk";
import type { Board } from "./board";
import type { DeveloperFacts, Fact, Tier, WhyRelease } from "./host";
import { TIERS } from "./host";
import type { Lines } from "./lines";
import { isObject, list, type Row, text } from "./read";

const NOTHING = "–";
const WHY = [
  "why_matched",
  "why_no_release",
  "why_not_in_audience",
  "why_other_client_app",
  "why_host_too_old",
  "why_no_place",
] as const;

/** What the developer panel tells: of the shell itself, and of one app. */
export class Developer {
  constructor(
    private readonly board: Board,
    private readonly ready: () => Sampan,
    private readonly facts: () => ShellFacts | null,
    private readonly happened: Lines,
  ) {}

  async of(app: string): Promise<DeveloperFacts> {
    if (app === "") return { facts: await this.shellFacts(), why: [], permissions: [] };
    const [own, told] = await Promise.all([this.appFacts(app), this.told(app)]);
    return {
      facts: told ? [...own, ...whyFacts(told)] : own,
      why: told ? whyReleases(told) : [],
      permissions: this.happened.permissions(app, await this.asked(app)),
    };
  }

  private async shellFacts(): Promise<readonly Fact[]> {
    const { session, events } = this.ready();
    const status = await session.status();
    const [facts, { tier }] = [this.facts(), this.board.snapshot()];
    return [
      { name: "fact_workspace", value: facts?.workspace ?? NOTHING },
      { name: "fact_client_app", value: facts?.client_app ?? NOTHING },
      { name: "fact_device", value: status?.device ?? NOTHING },
      { name: "fact_customer", value: status?.customer ?? NOTHING },
      { name: "tier", value: tier, says: tier },
      { name: "fact_events", value: String(await events.size()) },
      { name: "fact_tree", value: facts?.trust.profile ?? NOTHING },
    ];
  }

  private async appFacts(app: string): Promise<readonly Fact[]> {
    const { device } = this.ready();
    const { current, kept, highestStarted } = await device.packages.state(app);
    const control = await device.tree.obeyedControl(app);
    return [
      { name: "fact_app", value: app },
      { name: "version", value: named(current) },
      { name: "digest", value: current?.digest ?? NOTHING },
      { name: "fact_kept", value: named(kept) },
      { name: "fact_highest", value: highestStarted > 0 ? String(highestStarted) : NOTHING },
      { name: "fact_serial", value: control ? String(control.serial) : NOTHING },
    ];
  }

  /** Why the bank gives this version: its answer to `explain`, docs/protocols/shell.md. */
  private async told(app: string): Promise<Row | null> {
    try {
      const { body } = await this.ready().session.call("GET", `/client/v1/apps/${app}/explain`);
      return isObject(body) ? body : null;
    } catch {
      return null; // without the server there is no why
    }
  }

  /** What the signed manifest of the installed version asks for. */
  private async asked(app: string): Promise<readonly string[]> {
    const { packages } = this.ready().device;
    const { current } = await packages.state(app);
    const placed = current && (await packages.placed(app, current.digest));
    if (!placed) return [];
    const { permissions } = parseIndex(placed.index);
    return [...permissions.bridge, ...(permissions.network.length > 0 ? ["network.fetch"] : [])];
  }
}

const named = (one: Installed | null): string => (one ? `${versionName(one)} (${one.sequence})` : NOTHING);

const reasonOf = (told: Row) => WHY.find((each) => each === `why_${text(told.reason)}`) ?? null;

function whyReleases(told: Row): readonly WhyRelease[] {
  const given = isObject(told.offer) ? told.offer.sequence : null;
  return list(told, "releases").map((each) => ({
    version: text(each.version),
    sequence: Number(each.sequence),
    reason: reasonOf(each),
    isGiven: each.sequence === given && each.reason === "matched",
    conditions: list(each, "conditions").map((line) => ({
      depth: Number(line.depth),
      outcome: typeof line.outcome === "boolean" ? line.outcome : null,
      says: isObject(line.says) ? { zh: text(line.says.zh), en: text(line.says.en) } : { zh: "", en: "" },
      seen: text(line.seen),
      isClaimed: line.source === "claimed",
    })),
  }));
}

function whyFacts(told: Row): readonly Fact[] {
  const reason = reasonOf(told);
  const offer = isObject(told.offer) ? told.offer : null;
  const killed = Array.isArray(told.killed) ? told.killed.join(", ") : "";
  return [
    { name: "why", value: text(told.says), ...(reason ? { says: reason } : {}) },
    { name: "fact_release", value: offer ? text(offer.release) : NOTHING },
    { name: "fact_offered", value: offer ? `${text(offer.version)} (${Number(offer.sequence)})` : NOTHING },
    { name: "fact_bank_serial", value: text(told.control_serial) || NOTHING },
    { name: "fact_killed", value: killed || NOTHING },
    { name: "fact_revision", value: text(told.revision) },
    { name: "tier", value: text(told.tier), ...saysTier(told.tier) },
  ];
}

function saysTier(told: unknown): { says?: Tier } {
  const says = TIERS.find((each) => each === told);
  return says ? { says } : {};
}
