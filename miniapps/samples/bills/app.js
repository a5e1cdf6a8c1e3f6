"use strict";

// --- Every sample: language, texts, money, a memory on this device -------------------------------------

const LANGUAGES = ["zh", "en"];
const memory = {
  read(name, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(name)) ?? otherwise;
    } catch {
      return otherwise; // private windows may refuse storage; the app works without
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(name, JSON.stringify(value));
    } catch {
      // nothing is lost but the memory
    }
  },
};
let language = memory.read("language", navigator.language.startsWith("zh") ? "zh" : "en");
let texts = {};

const t = (key, facts = {}) =>
  (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(facts[name] ?? whole));
const both = (pair) => pair[language];
const money = (cents) =>
  new Intl.NumberFormat(language, { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" }).format(cents / 100);
const asked = (name) => new URLSearchParams(location.search).get(name);
const $ = (id) => document.getElementById(id);

function make(tag, className, text, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined && text !== null) element.textContent = text;
  element.append(...children);
  return element;
}

async function start(draw) {
  const show = async () => {
    texts = await (await fetch(`../../i18n/${language}.json`)).json();
    document.documentElement.lang = language;
    document.title = t("app");
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = t(element.dataset.text);
    }
    for (const element of document.querySelectorAll("[data-hint]")) {
      element.placeholder = t(element.dataset.hint);
    }
    draw();
  };
  $("language").addEventListener("click", () => {
    language = LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length];
    memory.write("language", language);
    show();
  });
  await show();
}

// --- Bill payment: the amounts are made up, and nothing leaves this device ------------------------------

const BILLS = [
  { id: "power", mark: "💡", cents: 18640, account: "3301 0042 7719", name: { zh: "电费", en: "Electricity" }, by: { zh: "城东供电", en: "East Power" } },
  { id: "water", mark: "💧", cents: 4375, account: "8812 5530", name: { zh: "水费", en: "Water" }, by: { zh: "自来水公司", en: "City Water" } },
  { id: "gas", mark: "🔥", cents: 7250, account: "6620 1187", name: { zh: "燃气费", en: "Gas" }, by: { zh: "华光燃气", en: "Huaguang Gas" } },
  { id: "net", mark: "📶", cents: 12900, account: "139 0000 0000", name: { zh: "宽带", en: "Broadband" }, by: { zh: "远见通信", en: "Far View Telecom" } },
];
const paid = () => memory.read("paid", {});
const open = () => BILLS.filter((bill) => !paid()[bill.id]);

function row(bill, note, href) {
  const text = make("div", "grow", null, make("b", "", both(bill.name)), make("p", "soft", note));
  const line = make(href ? "a" : "div", "row", null, make("span", "badge", bill.mark), text, make("strong", "", money(bill.cents)));
  if (href) line.href = href;
  return make("article", "card", null, line);
}

const pages = {
  bills() {
    $("sum").textContent = money(open().reduce((sum, bill) => sum + bill.cents, 0));
    $("bills").replaceChildren(...open().map((bill) => row(bill, both(bill.by), `../pay/pay.html?id=${bill.id}`)));
  },
  history() {
    const done = BILLS.filter((bill) => paid()[bill.id]);
    const when = (bill) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(paid()[bill.id]);
    $("bills").replaceChildren(...done.map((bill) => row(bill, when(bill))));
    $("empty").hidden = done.length > 0;
  },
  pay() {
    const bill = BILLS.find((each) => each.id === asked("id")) ?? BILLS[0];
    const facts = make("dl", "lines");
    for (const [name, value] of [["company", both(bill.by)], ["account", bill.account], ["kind", both(bill.name)]]) {
      facts.append(make("dt", "", t(name)), make("dd", "", value));
    }
    const button = make("button", "wide", t("pay_now", { sum: money(bill.cents) }));
    button.addEventListener("click", () => {
      memory.write("paid", { ...paid(), [bill.id]: Date.now() });
      pages.pay();
    });
    const has = Boolean(paid()[bill.id]);
    button.hidden = has;
    $("paid").hidden = !has;
    $("bill").replaceChildren(make("p", "soft", t("due")), make("p", "big", money(bill.cents)), facts, button);
  },
};
start(pages[document.body.dataset.page]);
