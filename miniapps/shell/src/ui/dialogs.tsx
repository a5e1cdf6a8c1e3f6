import {
  createContext,
  type JSX,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useWords } from "../i18n";

interface Asked {
  title: string;
  text?: string | undefined;
  /** What it is about, large: a sum of money. */
  amount?: string | undefined;
  facts?: readonly (readonly [name: string, value: string])[] | undefined;
  yes: string;
  no: string;
  isDanger?: boolean | undefined;
  answer: (isYes: boolean) => void;
}

interface Dialogs {
  /** Ask a yes-or-no question in a sheet. */
  ask: (question: Omit<Asked, "answer" | "no" | "yes"> & { yes?: string; no?: string }) => Promise<boolean>;
  /** Show a line for a moment; screen readers read it out. */
  toast: (text: string) => void;
}

const DialogsContext = createContext<Dialogs | null>(null);
const TOAST_MS = 3500;

export function useDialogs(): Dialogs {
  const dialogs = useContext(DialogsContext);
  if (dialogs === null) throw new Error("useDialogs stands outside DialogsProvider");
  return dialogs;
}

export function DialogsProvider({ children }: { children: ReactNode }): JSX.Element {
  const { t } = useWords();
  const [questions, setQuestions] = useState<readonly Asked[]>([]);
  const [line, setLine] = useState("");
  const timer = useRef(0);

  const toast = useCallback((text: string) => {
    setLine(text);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setLine(""), TOAST_MS);
  }, []);
  const ask = useCallback<Dialogs["ask"]>(
    (question) =>
      new Promise((resolve) => {
        const asked: Asked = {
          ...question,
          yes: question.yes ?? t("confirm"),
          no: question.no ?? t("cancel"),
          answer: (isYes) => {
            setQuestions((all) => all.filter((each) => each !== asked));
            resolve(isYes);
          },
        };
        setQuestions((all) => [...all, asked]);
      }),
    [t],
  );
  const dialogs = useMemo(() => ({ ask, toast }), [ask, toast]);
  const [first] = questions;
  return (
    <DialogsContext.Provider value={dialogs}>
      {children}
      {first && (
        <Sheet title={first.title} onClose={() => first.answer(false)}>
          {first.amount && <p className="sheet-amount">{first.amount}</p>}
          {first.facts && (
            <dl className="facts sheet-facts">
              {first.facts.map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          )}
          {first.text && <p className="sheet-text">{first.text}</p>}
          <div className="sheet-actions">
            <button type="button" className="button quiet" onClick={() => first.answer(false)}>
              {first.no}
            </button>
            <button
              type="button"
              className={first.isDanger ? "button bad" : "button"}
              onClick={() => first.answer(true)}
            >
              {first.yes}
            </button>
          </div>
        </Sheet>
      )}
      <div className={line ? "toast shown" : "toast"} role="status" aria-live="polite">
        {line}
      </div>
    </DialogsContext.Provider>
  );
}

/** A sheet from the bottom edge; Escape and a press beside it close it, and the focus stays inside. */
export function Sheet(props: { title: string; onClose: () => void; children: ReactNode }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself
    <dialog
      ref={dialog}
      className="sheet"
      aria-label={props.title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => event.target === dialog.current && props.onClose()}
    >
      <div className="sheet-inside">
        <h2>{props.title}</h2>
        {props.children}
      </div>
    </dialog>
  );
}
