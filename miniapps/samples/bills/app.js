import { asked, both, button, confirmed, empty, facts, icon, link, make, memory, moment, money, problem, row, show, start, t } from "/_shared/bank.demo.kit/kit.js";

const BILLS = [
  { id: "power", sign: "power", cents: 18640, account: "3301 0042 7719", due: "2030-08-15", name: { zh: "电费", en: "Electricity" }, by: { zh: "城东供电", en: "East Power" } },
  { id: "water", sign: "water", cents: 4375, account: "8812 5530", due: "2030-08-20", name: { zh: "水费", en: "Water" }, by: { zh: "自来水公司", en: "City Water" } },
  { id: "gas", sign: "gas", cents: 7250, account: "6620 1187", due: "2030-08-22", name: { zh: "燃气费", en: "Gas" }, by: { zh: "华光燃气", en: "Huaguang Gas" } },
  { id: "net", sign: "net", cents: 12900, account: "139 0000 0000", due: "2030-09-01", name: { zh: "宽带", en: "Broadband" }, by: { zh: "远见通信", en: "Far View Telecom" } },
];
const paid = () => memory.read("paid", {});

/** Pay through the bank; without a super-app around there is nobody to pay with. */
async function pay(bill) {
  const body = make("div", make("p.sum", money(bill.cents)), facts([[t("company"), both(bill.by)], [t("account"), bill.account]]));
  if (!(await confirmed(t("pay_ask"), body, t("pay_now")))) return;
  try {
    const order = `bill-${bill.id}-${Date.now()}`;
    const outcome = await globalThis.sampan.pay({ order, amount: { value_minor: bill.cents, currency: "CNY" }, title: `${both(bill.name)} · ${both(bill.by)} · ${bill.account}` });
    if (outcome.status !== "paid") return problem(outcome);
    await memory.write("paid", { ...(await paid()), [bill.id]: { at: Date.now(), reference: outcome.reference } });
    await pages.pay();
  } catch (error) {
    problem(error);
  }
}

const pages = {
  async bills() {
    const done = await paid();
    const open = BILLS.filter((bill) => !done[bill.id]);
    const list = open.map((bill) => row({ sign: bill.sign, title: both(bill.name), note: both(bill.by), right: make("span.amount", money(bill.cents)), href: `../pay/pay.html?id=${bill.id}` }));
    show({
      title: t("app"),
      hero: [make("p.soft", t("open")), make("p.sum", money(open.reduce((sum, bill) => sum + bill.cents, 0)))],
      body: [
        make("div.card", list.length > 0 ? list : empty("check", t("all_paid"))),
        make("a.card.row", { href: "../history/history.html" }, make("span.mark", icon("clock")), make("b.grow", t("history")), icon("next", 18)),
      ],
    });
  },
  async history() {
    const all = await paid();
    const done = BILLS.filter((bill) => all[bill.id]).sort((a, b) => all[b.id].at - all[a.id].at);
    const list = done.map((bill) => row({ sign: bill.sign, title: both(bill.name), note: moment(all[bill.id].at), right: make("span.amount", money(bill.cents)), href: `../pay/pay.html?id=${bill.id}` }));
    show({ title: t("history"), back: "../bills/bills.html", body: make("div.card", list.length > 0 ? list : empty("clock", t("empty"))) });
  },
  async pay() {
    const bill = BILLS.find((each) => each.id === asked("id")) ?? BILLS[0];
    const done = (await paid())[bill.id];
    const about = [[t("company"), both(bill.by)], [t("account"), bill.account]];
    const title = both(bill.name);
    if (done) {
      const head = make("div.card.done", make("div.tick", icon("check", 34)), make("b", t("paid")), make("p.sum", money(bill.cents)));
      const more = make("div.card.pad", facts([...about, [t("time"), moment(done.at)], [t("reference"), done.reference]]));
      show({ title, back: "../bills/bills.html", body: [head, more, make("div.actions", link(t("back_home"), "../bills/bills.html", ".quiet"))] });
      return;
    }
    show({
      title,
      back: "../bills/bills.html",
      hero: [make("p.soft", t("due")), make("p.sum", money(bill.cents))],
      body: [make("div.card.pad", facts([...about, [t("due_day"), bill.due]])), make("div.actions", button(t("pay_now"), () => pay(bill))), make("p.note", t("demo"))],
    });
  },
};
start(pages);
