import { asked, both, button, chips, day, empty, facts, icon, link, make, mark, memory, money, problem, show, start, t, toast } from "/_shared/bank.demo.kit/kit.js";

const KINDS = ["all", "food", "travel", "home"];
const COUPONS = [
  { id: "tea", sign: "tea", kind: "food", off: 1200, from: 3000, until: "2030-12-31", left: 240, shop: { zh: "山前茶铺", en: "Foothill Tea" } },
  { id: "power", sign: "power", kind: "home", off: 1000, from: 10000, until: "2030-10-31", left: 860, app: "bank.demo.bills", shop: { zh: "生活缴费", en: "Bills" } },
  { id: "metro", sign: "metro", kind: "travel", off: 200, from: 400, until: "2030-09-30", left: 1500, shop: { zh: "城市地铁", en: "City Metro" } },
  { id: "books", sign: "book", kind: "home", off: 2500, from: 9900, until: "2030-12-31", left: 75, shop: { zh: "一页书店", en: "One Page Books" } },
  { id: "noodles", sign: "bowl", kind: "food", off: 800, from: 2000, until: "2030-06-30", left: 400, shop: { zh: "老街面馆", en: "Old Street Noodles" } },
  { id: "cinema", sign: "film", kind: "travel", off: 1500, from: 4500, until: "2030-11-11", left: 32, shop: { zh: "银幕影城", en: "Silver Screen" } },
];
const taken = () => memory.read("taken", []);

function ticket(coupon, isTaken) {
  const right = make("span.off", make("b.amount.accent", money(coupon.off)), make("span.tag", t(isTaken ? "taken" : "left", { left: coupon.left })));
  return make("a.row.ticket", { href: `../detail/detail.html?id=${coupon.id}` }, mark(coupon.sign),
    make("span.grow", make("b", both(coupon.shop)), make("span.soft", t("rule", { from: money(coupon.from) }))), right);
}

const pages = {
  async list() {
    const mine = await taken();
    const kind = asked("kind") ?? "all";
    const fitting = COUPONS.filter((coupon) => kind === "all" || coupon.kind === kind);
    show({
      title: t("app"),
      hero: [make("p.soft", t("saved")), make("p.sum", money(COUPONS.filter((each) => mine.includes(each.id)).reduce((sum, each) => sum + each.off, 0)))],
      body: [
        make("a.card.row", { href: "../mine/mine.html" }, mark("ticket"), make("b.grow", t("mine")), make("span.tag", String(mine.length)), icon("next", 18)),
        chips(KINDS.map((id) => [id, t(`kind_${id}`)]), kind, (id) => location.replace(`?kind=${id}`)),
        make("div.card", fitting.map((coupon) => ticket(coupon, mine.includes(coupon.id)))),
      ],
    });
  },
  async mine() {
    const mine = await taken();
    const held = COUPONS.filter((coupon) => mine.includes(coupon.id));
    const body = held.length > 0 ? make("div.card", held.map((coupon) => ticket(coupon, true))) : make("div.card", empty("ticket", t("empty")));
    show({ title: t("mine"), back: "../list/list.html", body });
  },
  async detail() {
    const coupon = COUPONS.find((each) => each.id === asked("id")) ?? COUPONS[0];
    const has = (await taken()).includes(coupon.id);
    const take = async () => {
      await memory.write("taken", [...new Set([...(await taken()), coupon.id])]);
      await pages.detail();
      toast(t("taken"));
    };
    const use = () => globalThis.sampan?.navigation.open(coupon.app, { coupon: coupon.id }).catch(problem);
    const next = coupon.app ? button(t("use"), use) : link(t("mine"), "../mine/mine.html", ".quiet");
    show({
      title: t("detail"),
      back: "../list/list.html",
      hero: [make("p.soft", both(coupon.shop)), make("p.sum", money(coupon.off))],
      body: [
        make("div.card.pad", facts([[t("least"), money(coupon.from)], [t("until"), day(coupon.until)], [t("where"), both(coupon.shop)], [t("stock"), String(coupon.left)]])),
        has ? make("div.card.pad.code", make("p.soft", t("show_code")), make("p.sum", code(coupon.id))) : null,
        make("div.actions", has ? next : button(t("take"), take)),
        make("p.note", t("demo")),
      ].filter(Boolean),
    });
  },
};

/** What the shop reads: four groups that are always the same for a coupon. */
function code(id) {
  const number = [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 100_000_000, 7);
  return String(number).padStart(8, "0").replace(/(\d{4})/, "$1 ");
}

start(pages);
