import {
  type CatalogueApp,
  type DeveloperLine,
  type Host,
  type Snapshot,
  TIERS,
  type Tier,
  type WhyRelease,
} from "../src/host/host";

/** A host without a server, for tests of the pages: everything it knows it was told. */
export function previewHost(told: Partial<Snapshot> = {}): Host & { change: (told: Partial<Snapshot>) => void } {
  let snapshot: Snapshot = {
    phase: "ready",
    demo: true,
    online: true,
    tier: "visitor",
    customer: null,
    hasCatalogue: true,
    apps: sampleApps("visitor"),
    categories: [
      { id: "offers", name: { zh: "优惠", en: "Offers" } },
      { id: "daily", name: { zh: "生活", en: "Daily life" } },
      { id: "money", name: { zh: "资金", en: "Money" } },
    ],
    recents: [],
    workbench: null,
    upgrade: null,
    ...told,
  };
  const refused = { step: "refused", refusal: { code: "open_killed", detail: "" } } as const;
  const listeners = new Set<() => void>();
  const change = (next: Partial<Snapshot>): void => {
    snapshot = { ...snapshot, ...next };
    for (const listener of listeners) listener();
  };
  return {
    change,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    snapshot: () => snapshot,
    start: async () => {},
    askCode: async () => "482913",
    signIn: async (phone) =>
      change({
        tier: "registered",
        apps: sampleApps("registered"),
        customer: { name: "林*", phone: phone.slice(0, 3) },
      }),
    signOut: async () => change({ tier: "visitor", customer: null, apps: sampleApps("visitor") }),
    raiseTo: async (tier) => change({ tier, apps: sampleApps(tier) }),
    devices: async () => [
      { id: "dev_1", isThis: true, platform: "web", model: "Chromium 156", lastSeenMs: 1_800_000_000_000 },
      { id: "dev_2", isThis: false, platform: "android", model: "Pixel 8", lastSeenMs: 1_799_900_000_000 },
    ],
    signOutDevice: async () => {},
    consents: async () => [{ app: "bank.demo.bills", permission: "profile", grantedMs: 1_800_000_000_000 }],
    withdraw: async () => {},
    phase: () => refused,
    stageAt: () => {},
    open: async () => {},
    deviceId: async () => "dev_preview",
    trialState: async (_app, sequence) => (sequence === 9 ? "killed" : "published"),
    openTrial: async () => {},
    closeTrial: () => {},
    putOffUpgrade: () => change({ upgrade: null }),
    warm: () => {},
    hide: () => {},
    close: () => {},
    clearData: async () => {},
    report: async () => {},
    lines: () => LINES,
    developer: async (id) => ({
      facts: [
        { name: "fact_app", value: id || "shell" },
        { name: "digest", value: "sha256:9f2c1b7e0d5a4c3388f1e2d3c4b5a69788990011223344556677889900aabbcc" },
        { name: "why", value: "A release means this device.", says: "why_matched" },
      ],
      why: WHY,
      permissions: [
        { name: "user.tier", isAsked: true, isFree: false, used: 3, refused: 0 },
        { name: "storage.get", isAsked: false, isFree: true, used: 1, refused: 0 },
        { name: "scan", isAsked: false, isFree: false, used: 0, refused: 2 },
      ],
    }),
    askBy: () => {},
    present: () => {},
  };
}

const LINES: readonly DeveloperLine[] = [
  {
    atMs: 1_800_000_000_000,
    kind: "network",
    text: "GET https://api.bank.example/x 200, 34 ms",
    isProblem: false,
    trace: "4bf92f3577b34da6a3ce929d0e0e4736",
  },
  { atMs: 1_800_000_000_000, kind: "console", text: "error nothing to show", isProblem: true },
];

const line = (depth: number, outcome: boolean | null, zh: string, en: string, seen = "", isClaimed = false) => ({
  depth,
  outcome,
  says: { zh, en },
  seen,
  isClaimed,
});
const WHY: readonly WhyRelease[] = [
  {
    version: "1.2.0",
    sequence: 3,
    reason: "why_not_in_audience",
    isGiven: false,
    conditions: [
      line(0, false, "全部满足", "All of these"),
      line(1, true, "电子账户客户及以上", "e-account customers and above", "full"),
      line(1, null, "应用版本符合^5.1", "app version matches ^5.1", "", true),
      line(1, false, "10%", "10% of them", "4312"),
      line(1, false, "内部条件（不显示）", "An internal condition (not shown)"),
    ],
  },
  {
    version: "1.1.0",
    sequence: 2,
    reason: "why_matched",
    isGiven: true,
    conditions: [line(0, true, "平台为web", "platform is web", "web", true)],
  },
];

const NAMES: readonly (readonly [string, string, string, string, string, string, Tier])[] = [
  [
    "bank.demo.coupons",
    "优惠券中心",
    "Coupon centre",
    "领取附近商户的优惠券",
    "Coupons of shops nearby",
    "offers",
    "visitor",
  ],
  ["bank.demo.bills", "生活缴费", "Bills", "水、电、燃气与宽带缴费", "Electricity, water, gas", "daily", "registered"],
  ["bank.demo.transfer", "转账", "Transfer", "向常用收款人转账", "Send money", "money", "e_account"],
  ["bank.demo.wealth", "财富商城", "Wealth shop", "挑选并买入理财产品", "Investment products", "money", "full"],
];

export function sampleApps(tier: Tier): CatalogueApp[] {
  return NAMES.map(([id, zh, en, zhText, enText, category, needed]) => {
    const mayOpen = TIERS.indexOf(tier) >= TIERS.indexOf(needed);
    return {
      id,
      name: { zh, en },
      text: { zh: zhText, en: enText },
      category,
      icon: null,
      mayOpen,
      neededTier: mayOpen ? null : needed,
      installed: mayOpen ? { version: "1.0.0", sequence: 1, digest: "sha256:00" } : null,
      hasUpdate: id === "bank.demo.coupons",
    };
  });
}
