import { asked, both, button, confirmed, empty, facts, icon, link, make, memory, moment, money, problem, row, show, start, t } from "/_shared/bank.demo.kit/kit.js";

const PAYEES = [
  { id: "li", account: "6222 **** 0417", name: { zh: "李明", en: "Li Ming" } },
  { id: "chen", account: "6217 **** 8830", name: { zh: "陈晓", en: "Chen Xiao" } },
  { id: "landlord", account: "6228 **** 1126", name: { zh: "房东王女士", en: "Ms Wang (rent)" } },
];
const START_CENTS = 1_286_050;
const MOST_CENTS = 5_000_000;
const balance = () => memory.read("balance", START_CENTS);
const payeeOf = (id) => PAYEES.find((each) => each.id === id) ?? PAYEES[0];

/** Hundredths out of what was typed; null when it is no amount. */
export function centsOf(typed) {
  const match = /^(\d{1,9})(?:[.](\d{1,2}))?$/.exec(typed.trim());
  return match ? Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0")) : null;
}

/** Why this amount cannot be sent, as the name of a text; null when it can. */
function objection(cents, held) {
  if (cents === null || cents <= 0) return "no_amount";
  if (cents > held) return "too_much";
  return cents > MOST_CENTS ? "over_limit" : null;
}

function form(held) {
  const payee = make("select", { name: "payee", required: true }, PAYEES.map((each) => make("option", { value: each.id }, `${both(each.name)}  ${each.account}`)));
  const amount = make("input", { name: "amount", inputMode: "decimal", placeholder: "0.00", autocomplete: "off" });
  const note = make("input", { name: "note", maxLength: 40, placeholder: t("note_hint") });
  const wrong = make("span.bad", { hidden: true });
  wrong.setAttribute("role", "alert");
  amount.addEventListener("input", () => {
    wrong.hidden = true;
  });
  const onsubmit = (event) => {
    event.preventDefault();
    const reason = objection(centsOf(amount.value), held);
    wrong.hidden = reason === null;
    if (reason === null) location.href = `../confirm/confirm.html?${new URLSearchParams({ payee: payee.value, amount: amount.value.trim(), note: note.value })}`;
    else {
      wrong.textContent = t(reason);
      amount.focus();
    }
  };
  return make("form.card.pad", { onsubmit, noValidate: true },
    make("label.field", t("payee"), payee),
    make("label.field.large", t("amount"), amount, wrong),
    make("label.field", t("note"), note),
    make("button.button", { type: "submit" }, t("next")));
}

async function send(payee, cents, note) {
  if (!(await confirmed(t("send_ask"), make("p.sum", money(cents)), t("send")))) return;
  try {
    const order = `transfer-${Date.now()}`;
    const outcome = await globalThis.sampan.pay({ order, amount: { value_minor: cents, currency: "CNY" }, title: `${t("sent_to", { name: both(payee.name) })} · ${payee.account}` });
    if (outcome.status !== "paid") return problem(outcome);
    await memory.write("balance", (await balance()) - cents);
    const sent = { payee: payee.id, cents, note, at: Date.now(), reference: outcome.reference };
    await memory.write("sent", [sent, ...(await memory.read("sent", []))].slice(0, 50));
    location.replace("../done/done.html");
  } catch (error) {
    problem(error);
  }
}

const pages = {
  async transfer() {
    const held = await balance();
    const sent = await memory.read("sent", []);
    const list = sent.slice(0, 5).map((each) => row({ sign: "person", title: both(payeeOf(each.payee).name), note: moment(each.at), right: make("span.amount", money(-each.cents)) }));
    show({
      title: t("app"),
      hero: [make("p.soft", t("balance")), make("p.sum", money(held))],
      body: [form(held), make("h2", t("history")), make("div.card", list.length > 0 ? list : empty("clock", t("empty")))],
    });
  },
  async confirm() {
    const [payee, cents, note] = [payeeOf(asked("payee")), centsOf(asked("amount") ?? ""), asked("note") ?? ""];
    const reason = objection(cents, await balance());
    const go = button(t("send"), () => send(payee, cents, note));
    go.disabled = reason !== null;
    show({
      title: t("confirm"),
      back: "../transfer/transfer.html",
      hero: [make("p.soft", t("you_send")), make("p.sum", money(cents ?? 0))],
      body: [
        make("div.card.pad", facts([[t("payee"), both(payee.name)], [t("account"), payee.account], [t("note"), note || t("none")]])),
        reason && make("p.bad", t(reason)),
        make("div.actions", go, link(t("change"), "../transfer/transfer.html", ".quiet")),
        make("p.note", t("demo")),
      ].filter(Boolean),
    });
  },
  async done() {
    const [last] = await memory.read("sent", []);
    if (last === undefined) return location.replace("../transfer/transfer.html");
    show({
      title: t("done"),
      back: "../transfer/transfer.html",
      body: [
        make("div.card.done", make("div.tick", icon("check", 34)), make("b", t("sent_to", { name: both(payeeOf(last.payee).name) })), make("p.sum", money(last.cents))),
        make("div.card.pad", facts([[t("time"), moment(last.at)], [t("reference"), last.reference], [t("left"), money(await balance())]])),
        make("div.actions", link(t("again"), "../transfer/transfer.html", ".quiet")),
      ],
    });
  },
};
start(pages);
