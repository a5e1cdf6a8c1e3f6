import { asked, both, button, chips, confirmed, empty, facts, icon, lineChart, link, make, memory, money, percent, problem, row, show, start, t } from "/_shared/bank.demo.kit/kit.js";

// Made-up products; rates in hundredths of a percent, trends in hundredths of a unit's value.
const PRODUCTS = [
  { id: "steady", sign: "shield", rate: 268, days: 30, risk: 1, least: 100_00, trend: [10000, 10021, 10046, 10065, 10089, 10112, 10135, 10158, 10180, 10204, 10229, 10251], name: { zh: "稳稳三十天", en: "Steady 30" } },
  { id: "season", sign: "chart", rate: 315, days: 90, risk: 2, least: 1000_00, trend: [10000, 10034, 10029, 10071, 10108, 10096, 10141, 10183, 10190, 10242, 10265, 10312], name: { zh: "一季丰收", en: "One Season" } },
  { id: "green", sign: "leaf", rate: 362, days: 180, risk: 3, least: 1000_00, trend: [10000, 10090, 9985, 10064, 10160, 10075, 10210, 10168, 10301, 10255, 10340, 10389], name: { zh: "绿色未来", en: "Green Future" } },
  { id: "pension", sign: "home", rate: 405, days: 365, risk: 2, least: 5000_00, trend: [10000, 10028, 10061, 10090, 10130, 10151, 10197, 10240, 10281, 10322, 10360, 10402], name: { zh: "安居养老", en: "Home and Pension" } },
];
const DAYS_OF_YEAR = 365;
const held = () => memory.read("held", {});
const terms = (product) => t("terms", { days: product.days, risk: t(`risk_${product.risk}`) });
const gainOf = (product, cents) => Math.floor((cents * product.rate * product.days) / 10_000 / DAYS_OF_YEAR);

async function buy(product, cents) {
  const body = make("div", make("p.sum", money(cents)), facts([[t("product"), both(product.name)], [t("gain"), money(gainOf(product, cents))], [t("risk"), t(`risk_${product.risk}`)]]));
  if (!(await confirmed(t("buy_ask"), body, t("buy")))) return;
  try {
    const outcome = await globalThis.sampan.pay({ order: `wealth-${product.id}-${Date.now()}`, amount: { value_minor: cents, currency: "CNY" }, title: both(product.name) });
    if (outcome.status !== "paid") return problem(outcome);
    const before = await held();
    await memory.write("held", { ...before, [product.id]: (before[product.id] ?? 0) + cents });
    location.href = "../holdings/holdings.html";
  } catch (error) {
    problem(error);
  }
}

function order(product) {
  const amount = make("input", { inputMode: "numeric", value: String(product.least / 100) });
  const told = make("p.soft");
  const go = make("button.button", { type: "submit" }, t("buy"));
  const cents = () => (/^\d{1,7}$/.test(amount.value.trim()) ? Number(amount.value) * 100 : 0);
  const estimate = () => {
    const isEnough = cents() >= product.least;
    go.disabled = !isEnough;
    told.textContent = isEnough ? t("estimate", { days: product.days, gain: money(gainOf(product, cents())) }) : t("at_least", { least: money(product.least) });
  };
  amount.addEventListener("input", estimate);
  estimate();
  const onsubmit = (event) => {
    event.preventDefault();
    buy(product, cents());
  };
  return make("form.card.pad", { onsubmit }, make("label.field.large", t("amount"), amount, told), go);
}

const pages = {
  async shop() {
    const mine = await held();
    const risk = asked("risk") ?? "all";
    const fitting = PRODUCTS.filter((product) => risk === "all" || String(product.risk) === risk);
    show({
      title: t("app"),
      hero: [make("p.soft", t("held")), make("p.sum", money(Object.values(mine).reduce((sum, cents) => sum + cents, 0)))],
      body: [
        make("a.card.row", { href: "../holdings/holdings.html" }, make("span.mark", icon("wallet")), make("b.grow", t("holdings")), icon("next", 18)),
        chips(["all", "1", "2", "3"].map((id) => [id, id === "all" ? t("all") : t(`risk_${id}`)]), risk, (id) => location.replace(`?risk=${id}`)),
        make("div.card", fitting.map((product) => row({ sign: product.sign, title: both(product.name), note: terms(product), right: make("span.amount.accent", percent(product.rate)), href: `../product/product.html?id=${product.id}` }))),
        make("p.note", t("warning")),
      ],
    });
  },
  async product() {
    const product = PRODUCTS.find((each) => each.id === asked("id")) ?? PRODUCTS[0];
    const chart = lineChart(product.trend, { label: t("trend"), tell: (value, at) => `${t("month", { month: at + 1 })}  ${(value / 10_000).toFixed(4)}` });
    show({
      title: both(product.name),
      back: "../shop/shop.html",
      hero: [make("p.soft", t("rate")), make("p.sum", percent(product.rate))],
      body: [
        make("div.card.pad", facts([[t("days"), t("days_of", { days: product.days })], [t("risk"), t(`risk_${product.risk}`)], [t("least"), money(product.least)]])),
        make("div.card.pad", chart),
        order(product),
        make("p.note", t("warning")),
      ],
    });
  },
  async holdings() {
    const mine = await held();
    const list = PRODUCTS.filter((product) => mine[product.id]).map((product) => row({ sign: product.sign, title: both(product.name), note: t("will_gain", { gain: money(gainOf(product, mine[product.id])) }), right: make("span.amount", money(mine[product.id])), href: `../product/product.html?id=${product.id}` }));
    show({
      title: t("holdings"),
      back: "../shop/shop.html",
      hero: [make("p.soft", t("held")), make("p.sum", money(Object.values(mine).reduce((sum, cents) => sum + cents, 0)))],
      body: [make("div.card", list.length > 0 ? list : empty("wallet", t("empty"))), list.length > 0 ? "" : make("div.actions", link(t("choose"), "../shop/shop.html"))],
    });
  },
};
start(pages);
