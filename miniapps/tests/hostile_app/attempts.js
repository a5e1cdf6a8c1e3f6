// A list of attempts. One that comes back was let through, with what it got; one that throws was refused, with why.
const attempts = new Map();
const PATIENCE_MS = 700;
const blocked = [];
const ran = new Set();

addEventListener("securitypolicyviolation", (event) => {
  blocked.push({ directive: event.effectiveDirective, address: event.blockedURI, sample: event.sample });
});

function attempt(name, act) {
  attempts.set(name, act);
}

function refuse(why) {
  throw new DOMException(why, "Refused");
}

/** The policy's own word on an attempt, or nothing. */
function violation(from, marker) {
  return blocked.slice(from).find(({ address }) => marker === null || address.includes(marker));
}

/** Wait until the browser's policy has said no to `marker`; comes back when it has not in time. */
async function untilBlocked(from, marker, patience = PATIENCE_MS) {
  for (const until = performance.now() + patience; performance.now() < until; ) {
    const found = violation(from, marker);
    if (found) refuse(found.directive);
    await pause(10);
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const timeLimit = async (milliseconds) => {
  await pause(milliseconds);
  return "nothing happened";
};

function make(tag, attributes, parent = document.body) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

/** A document of this origin whose built-in objects nobody has touched. */
function cleanWindow() {
  return make("iframe", { hidden: "" }).contentWindow;
}
