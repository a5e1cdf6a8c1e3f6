import { type JSX, type SyntheticEvent, useEffect, useState } from "react";
import { useHost, useSnapshot } from "../app";
import { international, PHONE_INVALID } from "../host/phone";
import { useWords } from "../i18n";
import { goInstead } from "../route";
import { SubPage } from "../ui/parts";
import { HostProblem, messageOf } from "./problem";

const AGAIN_SECONDS = 60;

/** Phone number, then one-time code. `backTo` is the app that asked for it. */
export function SignIn({ backTo }: { backTo?: string | undefined }): JSX.Element {
  const { t } = useWords();
  const host = useHost();
  const { customer } = useSnapshot();
  const [phone, setPhone] = useState("");
  const [code, setCode] = useState("");
  const [sent, setSent] = useState<{ demoCode: string | null } | null>(null);
  const [wait, setWait] = useState(0);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);

  useEffect(() => {
    if (customer) goInstead(backTo ? `locked/${backTo}` : "me");
  }, [customer, backTo]);
  useEffect(() => {
    if (wait === 0) return;
    const timer = setTimeout(() => setWait(wait - 1), 1000);
    return () => clearTimeout(timer);
  }, [wait]);

  const doing = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem("");
    try {
      await work();
    } catch (failure) {
      setProblem(messageOf(failure, t));
    } finally {
      setBusy(false);
    }
  };
  const ask = (): Promise<void> =>
    doing(async () => {
      if (international(phone) === null) throw new HostProblem(PHONE_INVALID, "");
      setSent({ demoCode: await host.askCode(phone) });
      setWait(AGAIN_SECONDS);
    });
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    void (sent ? doing(() => host.signIn(phone, code)) : ask());
  };

  return (
    <SubPage title={t("sign_in")} back={backTo ? `locked/${backTo}` : "me"}>
      <form className="card form" onSubmit={submit}>
        <img src="/icon.svg" alt="" width="60" height="60" className="form-mark" />
        <label>
          {t("phone")}
          <input
            type="tel"
            autoComplete="tel"
            inputMode="tel"
            required
            value={phone}
            placeholder={t("phone_hint")}
            readOnly={sent !== null}
            onChange={(event) => setPhone(event.target.value)}
          />
        </label>
        {sent && (
          <label>
            {t("code")}
            <input
              // biome-ignore lint/a11y/noAutofocus: the code is what comes next, and nothing is skipped
              autoFocus
              inputMode="numeric"
              autoComplete="one-time-code"
              required
              value={code}
              onChange={(event) => setCode(event.target.value)}
            />
          </label>
        )}
        {sent && <p className="soft">{t("code_sent", { phone })}</p>}
        {sent?.demoCode && <p className="note">{t("code_demo", { code: sent.demoCode })}</p>}
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="button wide" disabled={isBusy}>
          {sent ? t("sign_in") : t("get_code")}
        </button>
        {sent && (
          <button type="button" className="button quiet wide" disabled={wait > 0 || isBusy} onClick={() => void ask()}>
            {wait > 0 ? t("again_in", { seconds: wait }) : t("get_code")}
          </button>
        )}
      </form>
    </SubPage>
  );
}
