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

// --- Coupon centre --------------------------------------------------------------------------------------

const COUPONS = [
  { id: "tea", mark: "🍵", off: 1200, from: 3000, until: "2030-12-31", shop: { zh: "山前茶铺", en: "Foothill Tea" } },
  { id: "metro", mark: "🚇", off: 200, from: 400, until: "2030-09-30", shop: { zh: "城市地铁", en: "City Metro" } },
  { id: "books", mark: "📚", off: 2500, from: 9900, until: "2030-12-31", shop: { zh: "一页书店", en: "One Page Books" } },
  { id: "noodles", mark: "🍜", off: 800, from: 2000, until: "2030-06-30", shop: { zh: "老街面馆", en: "Old Street Noodles" } },
  { id: "cinema", mark: "🎬", off: 1500, from: 4500, until: "2030-11-11", shop: { zh: "银幕影城", en: "Silver Screen" } },
];
const taken = () => memory.read("taken", []);

function take(coupon) {
  memory.write("taken", [...new Set([...taken(), coupon.id])]);
}

function row(coupon) {
  const text = make("div", "grow", null, make("b", "", both(coupon.shop)));
  text.append(make("p", "soft", t("rule", { from: money(coupon.from), until: coupon.until })));
  const link = make("a", "row", null, make("span", "badge", coupon.mark), text, make("strong", "off", money(coupon.off)));
  link.href = `../detail/detail.html?id=${coupon.id}`;
  return make("article", "card ticket", null, link);
}

const pages = {
  list: () => $("coupons").replaceChildren(...COUPONS.map(row)),
  mine() {
    const mine = COUPONS.filter((coupon) => taken().includes(coupon.id));
    $("coupons").replaceChildren(...mine.map(row));
    $("empty").hidden = mine.length > 0;
  },
  detail() {
    const coupon = COUPONS.find((each) => each.id === asked("id")) ?? COUPONS[0];
    const has = taken().includes(coupon.id);
    const button = make("button", "wide", t(has ? "taken" : "take"));
    button.disabled = has;
    button.addEventListener("click", () => {
      take(coupon);
      pages.detail();
    });
    const facts = make("dl", "lines");
    for (const [name, value] of [["least", money(coupon.from)], ["until", coupon.until], ["where", both(coupon.shop)]]) {
      facts.append(make("dt", "", t(name)), make("dd", "", value));
    }
    $("coupon").replaceChildren(make("div", "badge", coupon.mark), make("p", "big off", money(coupon.off)), facts, button);
  },
};
start(pages[document.body.dataset.page]);
