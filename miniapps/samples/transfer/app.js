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

// --- Transfer: a made-up account that lives on this device ----------------------------------------------

const PAYEES = [
  { id: "li", account: "6222 **** 0417", name: { zh: "李明", en: "Li Ming" } },
  { id: "chen", account: "6217 **** 8830", name: { zh: "陈晓", en: "Chen Xiao" } },
  { id: "landlord", account: "6228 **** 1126", name: { zh: "房东王女士", en: "Ms Wang (rent)" } },
];
const START_CENTS = 1_286_050;
const balance = () => memory.read("balance", START_CENTS);
const payee = () => PAYEES.find((each) => each.id === asked("payee")) ?? PAYEES[0];
const cents = () => Math.round(Number(asked("amount")) * 100) || 0;

const pages = {
  transfer() {
    $("balance").textContent = money(balance());
    const options = PAYEES.map((each) => {
      const option = make("option", "", `${both(each.name)}  ${each.account}`);
      option.value = each.id;
      return option;
    });
    $("payee").replaceChildren(...options);
    $("form").onsubmit = (event) => {
      event.preventDefault();
      location.href = `../confirm/confirm.html?${new URLSearchParams(new FormData($("form")))}`;
    };
  },
  confirm() {
    $("sum").textContent = money(cents());
    const facts = [["payee", both(payee().name)], ["account", payee().account], ["note", asked("note") || t("none")]];
    $("facts").replaceChildren(...facts.flatMap(([name, value]) => [make("dt", "", t(name)), make("dd", "", value)]));
    const isTooMuch = cents() > balance() || cents() <= 0;
    $("problem").hidden = !isTooMuch;
    $("send").disabled = isTooMuch;
    $("send").onclick = () => {
      memory.write("balance", balance() - cents());
      location.replace(`../done/done.html?${new URLSearchParams({ payee: payee().id, amount: asked("amount") })}`);
    };
  },
  done() {
    $("sum").textContent = money(cents());
    $("to").textContent = t("sent_to", { name: both(payee().name) });
  },
};
start(pages[document.body.dataset.page]);
