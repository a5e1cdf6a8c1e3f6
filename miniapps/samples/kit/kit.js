/** What the sample mini-apps share: texts, money, storage, icons, page furniture, a line chart. No build step, no dependency. */

const sampan = globalThis.sampan;
const LANGUAGES = { zh: "zh-CN", en: "en" };
const ICONS = {
  back: "M14.500 5.500 8 12l6.500 6.500", next: "M9.500 5.500 16 12l-6.500 6.500", check: "M5.500 12.500 10 17l8.500-9.500",
  tea: "M5 9h11v5a5 5 0 0 1-5 5h-1a5 5 0 0 1-5-5zM16 10h1.500a2.500 2.500 0 0 1 0 5H16M8 6c0-1 1-1.200 1-2.200M12 6c0-1 1-1.200 1-2.200",
  metro: "M7 4h10a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2ZM5 11h14M8.500 14h.01M15.500 14h.01M8 17l-2 3M16 17l2 3",
  book: "M5 5.500A2.500 2.500 0 0 1 7.500 3H19v15H7.500A2.500 2.500 0 0 0 5 20.500zM5 20.500A2.500 2.500 0 0 0 7.500 21H19",
  bowl: "M4 11h16a8 8 0 0 1-5 7v2H9v-2a8 8 0 0 1-5-7ZM9 8c0-1.500 1.200-1.500 1.200-3M13.500 8c0-1.500 1.200-1.500 1.200-3",
  film: "M4 6h16v12H4zM8 6v12M16 6v12M4 10h4M4 14h4M16 10h4M16 14h4",
  power: "M13 3 5 13.500h6L10.500 21 19 10h-6z", water: "M12 3.500c3.500 4 6 7 6 10.200a6 6 0 0 1-12 0C6 10.500 8.500 7.500 12 3.500Z",
  gas: "M12 3c.5 3 4.500 5 4.500 10a4.500 4.500 0 0 1-9 0c0-2 1-3.500 2-4.500 0 1.500.7 2.300 1.500 2.500C10.500 8.500 11 5.500 12 3Z",
  net: "M4 9.500a12 12 0 0 1 16 0M7 13a7.500 7.500 0 0 1 10 0M10 16.300a3 3 0 0 1 4 0M12 19.500h.01",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.500 20c.8-3.600 3.800-5.500 7.500-5.500s6.700 1.900 7.500 5.500",
  home: "M4 11.500 12 5l8 6.500V19a1 1 0 0 1-1 1h-4.500v-5h-5v5H5a1 1 0 0 1-1-1z",
  chart: "M4 18.500 9.500 12l3.500 3 7-8.500M15.500 6.500H20V11", leaf: "M5 19c0-9 5-14 15-14 0 10-5 15-12 14M5 19c2-5 5-7.500 9-9",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 7.500V12l3 2", wallet: "M4 7.500A2.500 2.500 0 0 1 6.500 5H18v3M4 7.500V18a1 1 0 0 0 1 1h15V8H6.500M16.500 13.500h.01",
  ticket: "M4 7h16v3a2 2 0 0 0 0 4v3H4v-3a2 2 0 0 0 0-4zM14 7v10", shield: "M12 3.500 19 6v5.500c0 4.200-2.800 7.300-7 9-4.200-1.700-7-4.800-7-9V6z",
};

let language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
let texts = {};

// --- Texts ---------------------------------------------------------------------------------------------

export const t = (key, facts = {}) => (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(facts[name] ?? whole));
export const both = (pair) => pair[language];
export const money = (cents) => new Intl.NumberFormat(LANGUAGES[language], { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" }).format(cents / 100);
export const percent = (hundredths) => new Intl.NumberFormat(LANGUAGES[language], { style: "percent", minimumFractionDigits: 2 }).format(hundredths / 10_000);
export const day = (time) => new Intl.DateTimeFormat(LANGUAGES[language], { dateStyle: "medium" }).format(new Date(time));
export const moment = (time) => new Intl.DateTimeFormat(LANGUAGES[language], { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
export const asked = (name) => new URLSearchParams(location.search).get(name);

// --- What the app remembers: in the super-app's storage, or in the page's own when there is no super-app ------

export const memory = {
  async read(name, otherwise) {
    try {
      const found = sampan ? await sampan.storage.get(name) : JSON.parse(localStorage.getItem(name));
      return found ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  async write(name, value) {
    if (sampan) await sampan.storage.set(name, value);
    else localStorage.setItem(name, JSON.stringify(value));
  },
};

// --- Elements -------------------------------------------------------------------------------------------

/** make("p.soft", "text", child, ...) or make("a.row", {href: "..."}, child, ...); null children are left out. */
export function make(what, ...parts) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  element.className = classes.join(" ");
  for (const part of parts.flat(Number.POSITIVE_INFINITY)) {
    if (part === null || part === undefined || part === false) continue;
    if (typeof part === "object" && !(part instanceof Node)) Object.assign(element, part);
    else element.append(part);
  }
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
function drawn(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export function icon(name, size = 22) {
  const svg = drawn("svg", { viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true" });
  svg.append(drawn("path", { d: ICONS[name] }));
  return svg;
}

export const mark = (name) => make("span.mark", icon(name));
export const button = (text, onclick, kind = "") => make(`button.button${kind}`, { type: "button", onclick }, text);
export const link = (text, href, kind = "") => make(`a.button${kind}`, { href }, text);
export const facts = (pairs) => make("dl.facts", pairs.map(([name, value]) => [make("dt", name), make("dd", value)]));
export const empty = (name, text) => make("div.empty", mark(name), make("p", text));

/** A row of a list: an icon, two lines, something at the right; with `href` it leads on. */
export function row({ sign, title, note, right, href }) {
  const inside = [sign && mark(sign), make("span.grow", make("b", title), make("span.soft", note ?? "")), right, href && icon("next", 18)];
  return make(href ? "a.row" : "div.row", href ? { href } : {}, inside);
}

/** Choices side by side; calls back with the chosen one's id. */
export function chips(choices, chosen, onchange) {
  return make("div.chips", choices.map(([id, text]) => {
    const chip = make("button", { type: "button", onclick: () => onchange(id) }, text);
    chip.setAttribute("aria-pressed", String(id === chosen));
    return chip;
  }));
}

/** Ask in a sheet at the bottom; answers whether the customer agreed. */
export function confirmed(title, body, yes) {
  return new Promise((resolve) => {
    const sheet = make("dialog");
    const end = (answer) => {
      sheet.close();
      sheet.remove();
      resolve(answer);
    };
    sheet.append(make("h2", title), body, button(yes, () => end(true)), button(t("cancel"), () => end(false), ".quiet"));
    sheet.addEventListener("cancel", () => end(false));
    document.body.append(sheet);
    sheet.showModal();
  });
}

export function toast(text) {
  document.querySelector(".toast")?.remove();
  const line = make("div.toast", text);
  line.setAttribute("role", "status");
  document.body.append(line);
  setTimeout(() => line.remove(), 3000);
}

/** What the bank said no to, in words. */
export function problem(error) {
  const known = { consent_refused: "not_allowed", permission_denied: "not_allowed", offline: "offline" }[error?.code];
  toast(known ? t(known) : t("failed"));
}

/** A line chart of values over time, with the point under the finger or the arrow keys told in words. */
export function lineChart(values, { label, tell }) {
  const [width, height, edge] = [320, 150, 6];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (at) => edge + (at * (width - 2 * edge)) / (values.length - 1);
  const y = (value) => height - edge - ((value - low) * (height - 2 * edge)) / (high - low || 1);
  const line = values.map((value, at) => `${at === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, tabindex: "0" });
  const dot = drawn("circle", { r: 5, fill: "var(--brand-ink)", stroke: "var(--card)" });
  svg.append(
    drawn("path", { d: `${line}L${x(values.length - 1)} ${height}L${x(0)} ${height}Z`, fill: "var(--wash)", stroke: "none" }),
    drawn("path", { d: line, stroke: "var(--brand-ink)", "stroke-width": 2.5 }),
    dot,
  );
  const told = make("span.amount.accent");
  const caption = make("figcaption.soft", make("span", label), told);
  let at = values.length - 1;
  const show = (next) => {
    at = Math.max(0, Math.min(values.length - 1, next));
    dot.setAttribute("cx", x(at));
    dot.setAttribute("cy", y(values[at]));
    told.textContent = tell(values[at], at);
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    show(Math.round(((event.clientX - box.left) / box.width) * (values.length - 1)));
  });
  svg.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") show(at + (event.key === "ArrowLeft" ? -1 : 1));
  });
  show(at);
  return make("figure.chart", svg, caption);
}

// --- Pages ----------------------------------------------------------------------------------------------

/** Put a page on the screen: its title, a way back, an optional hero and the parts of its body. */
export function show({ title, back, hero, body }) {
  const top = make("header.top", back && make("a", { href: back, ariaLabel: t("back") }, icon("back")), make("h1", title));
  document.title = title;
  document.body.replaceChildren(...[top, hero && make("section.hero", hero), make("main", body)].filter(Boolean));
}

/** Run the page that `<body data-page>` names, and again when language or appearance change. */
export async function start(pages) {
  const page = pages[document.body.dataset.page];
  const draw = async () => {
    const answer = await fetch(`../../i18n/${language}.json`);
    texts = await answer.json();
    document.documentElement.lang = LANGUAGES[language];
    await page();
  };
  const appear = ({ scheme, fontScale }) => {
    document.documentElement.dataset.scheme = scheme;
    document.documentElement.style.setProperty("--scale", fontScale);
  };
  if (sampan) {
    appear(await sampan.theme());
    language = (await sampan.language()).startsWith("zh") ? "zh" : "en";
    sampan.on("theme", appear);
    sampan.on("language", (change) => {
      language = change.language.startsWith("zh") ? "zh" : "en";
      draw();
    });
  } else {
    appear({ scheme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light", fontScale: 1 });
  }
  await draw();
}
