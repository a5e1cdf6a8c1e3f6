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

// --- Wealth shop: made-up products, rates in hundredths of a percent ------------------------------------

const PRODUCTS = [
  { id: "steady", mark: "🌱", rate: 268, days: 30, risk: 1, trend: [4, 6, 7, 9, 10, 12, 13], name: { zh: "稳稳三十天", en: "Steady 30" } },
  { id: "season", mark: "🍂", rate: 315, days: 90, risk: 2, trend: [5, 6, 6, 9, 11, 12, 15], name: { zh: "一季丰收", en: "One Season" } },
  { id: "green", mark: "🌍", rate: 362, days: 180, risk: 3, trend: [3, 8, 6, 10, 9, 14, 16], name: { zh: "绿色未来", en: "Green Future" } },
  { id: "pension", mark: "🏡", rate: 405, days: 365, risk: 2, trend: [6, 7, 9, 10, 13, 15, 18], name: { zh: "安居养老", en: "Home and Pension" } },
];
const DAYS_OF_YEAR = 365;
const held = () => memory.read("held", {});
const percent = (rate) => new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 2 }).format(rate / 10_000);

function bars(product) {
  const chart = make("div", "chart");
  for (const height of product.trend) {
    const bar = make("i");
    bar.style.setProperty("height", `${height * 5}%`);
    chart.append(bar);
  }
  return chart;
}

function row(product, right) {
  const text = make("div", "grow", null, make("b", "", both(product.name)));
  text.append(make("p", "soft", t("terms", { days: product.days, risk: "★".repeat(product.risk) })));
  const link = make("a", "row", null, make("span", "badge", product.mark), text, make("strong", "rate", right));
  link.href = `../product/product.html?id=${product.id}`;
  return make("article", "card", null, link);
}

const pages = {
  shop() {
    $("held").textContent = money(Object.values(held()).reduce((sum, cents) => sum + cents, 0));
    $("products").replaceChildren(...PRODUCTS.map((product) => row(product, percent(product.rate))));
  },
  holdings() {
    const mine = PRODUCTS.filter((product) => held()[product.id]);
    $("products").replaceChildren(...mine.map((product) => row(product, money(held()[product.id]))));
    $("empty").hidden = mine.length > 0;
  },
  product() {
    const product = PRODUCTS.find((each) => each.id === asked("id")) ?? PRODUCTS[0];
    const cents = () => Math.round(Number($("amount").value) * 100) || 0;
    const estimate = () => {
      const gain = Math.floor((cents() * product.rate * product.days) / 10_000 / DAYS_OF_YEAR);
      $("estimate").textContent = t("estimate", { days: product.days, gain: money(gain) });
    };
    $("product").replaceChildren(
      make("b", "", both(product.name)), make("p", "big rate", percent(product.rate)),
      make("p", "soft", t("terms", { days: product.days, risk: "★".repeat(product.risk) })), bars(product),
    );
    $("amount").oninput = estimate;
    $("form").onsubmit = (event) => {
      event.preventDefault();
      memory.write("held", { ...held(), [product.id]: (held()[product.id] ?? 0) + cents() });
      location.href = "../holdings/holdings.html";
    };
    estimate();
  },
};
start(pages[document.body.dataset.page]);
