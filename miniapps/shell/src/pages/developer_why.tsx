import type { JSX } from "react";
import type { WhyCondition, WhyRelease } from "../host/host";
import { useWords } from "../i18n";

/** Every release that offers the app, the highest first, with the conditions that speak for this device or against. */
export function Why({ releases }: { releases: readonly WhyRelease[] }): JSX.Element | null {
  const { t } = useWords();
  if (releases.length === 0) return null;
  return (
    <>
      <h2>{t("why")}</h2>
      {releases.map(({ version, sequence, reason, isGiven, conditions }) => (
        <section className={isGiven ? "card why given" : "card why"} key={sequence} aria-label={version}>
          <p>
            <b className="mono">
              {version} ({sequence})
            </b>{" "}
            {reason && <small>{t(reason)}</small>}
          </p>
          <ul>
            {conditions.map((each, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a rule have no other name
              <Condition key={n} of={each} />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

const SIGNS = { true: ["✓", "why_holds"], false: ["✗", "why_fails"], null: ["?", "why_unknown"] } as const;

function Condition({ of: { depth, outcome, says, seen, isClaimed } }: { of: WhyCondition }): JSX.Element {
  const { t, both } = useWords();
  const [sign, word] = SIGNS[`${outcome}`];
  return (
    <li style={{ paddingInlineStart: `${depth}rem` }}>
      <span className={`sign ${word}`} role="img" aria-label={t(word)}>
        {sign}
      </span>
      <span>
        {both(says)}
        {seen !== "" && <small>{t(isClaimed ? "why_said" : "why_known", { seen })}</small>}
      </span>
    </li>
  );
}
