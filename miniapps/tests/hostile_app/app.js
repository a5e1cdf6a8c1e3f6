// Try everything, one after the other, and write down what came of it.
(async () => {
  const outcome = {};
  for (const [name, act] of attempts) {
    document.body.dataset.now = name;
    outcome[name] = await Promise.race([Promise.resolve().then(act).then(told, why), timeLimit(5_000)]);
  }
  for (const domain of TARGETS.parents) document.cookie = `tossed=${domain}; domain=${domain}; path=/`;
  for (const name of ["__Host-sampan", "__Secure-sampan", "session"]) {
    document.cookie = `${name}=tossed; domain=${TARGETS.parents[0]}; path=/; secure`;
  }
  const result = make("pre", { id: "outcome", hidden: "" });
  result.textContent = JSON.stringify(outcome);
  document.body.dataset.done = "yes";
})();

function told(value) {
  return `reached: ${String(value).slice(0, 200)}`;
}

function why(problem) {
  if (problem instanceof RangeError) return `not tried: ${problem.message}`;
  if (problem?.name === "Refused") return `refused: ${problem.message}`;
  return `refused: ${problem?.name === "BridgeError" ? problem.code : (problem?.name ?? problem?.constructor?.name)}`;
}
