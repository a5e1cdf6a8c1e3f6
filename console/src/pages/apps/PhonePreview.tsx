/** A version in a phone before anybody approved it: it runs when the reviewer asks, in an origin of its own. */

import { MobileOutlined, ReloadOutlined, StopOutlined } from "@ant-design/icons";
import type { Preview } from "@sampan/sdk/preview";
import { Button, Segmented } from "antd";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { asProblem, Problem } from "../../api/problem";
import type { VersionDetail } from "../../api/types";
import { useLook } from "../../app/preferences";
import { Note, Panel } from "../../design/Blocks";
import { ProblemNote } from "../../design/ProblemText";
import { type Language, useText } from "../../i18n";
import { beginSession, type Session, showSession } from "./previewing";
import { type Said, withCall, withNote } from "./said";
import "./phone-preview.css";

const SCREENS = { small: [320, 568], phone: [390, 760], tablet: [768, 1024] } as const;
type Screen = keyof typeof SCREENS;
type Scheme = "light" | "dark";
const BORDER = 20;

export default function PhonePreview({ version, name }: { version: VersionDetail; name: string }) {
  const { say, language } = useText();
  const { mode } = useLook();
  const [session, setSession] = useState<Session | null>(null);
  const [isBeginning, setBeginning] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [over, setOver] = useState<ReactNode>(null);
  const [said, setSaid] = useState<readonly Said[]>([]);
  const [screen, setScreen] = useState<Screen>("phone");
  const [scheme, setScheme] = useState<Scheme>(mode);
  const [spoken, setSpoken] = useState<Language>(language);
  const begin = async () => {
    setBeginning(true);
    setProblem(null);
    setOver(null);
    setSaid([]);
    setSession(null);
    try {
      setSession(await beginSession(version.app, version.sequence));
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setBeginning(false);
    }
  };
  const end = (words: ReactNode = null) => {
    setSession(null);
    setOver(words);
  };
  return (
    <Panel
      title={say("apps.preview")}
      extra={
        <span className="row">
          {session ? (
            <Button size="small" icon={<StopOutlined />} onClick={() => end()}>
              {say("apps.previewStop")}
            </Button>
          ) : null}
          <Button
            size="small"
            icon={session ? <ReloadOutlined /> : <MobileOutlined />}
            loading={isBeginning}
            onClick={begin}
          >
            {say(session ? "apps.previewAgain" : "apps.previewBegin")}
          </Button>
        </span>
      }
    >
      <div className="stack">
        <span className="muted">{say("apps.previewLead")}</span>
        <div aria-live="polite">
          {over ? <Note tone="warn">{over}</Note> : null}
          <ProblemNote problem={problem} />
        </div>
        {session ? (
          <>
            <div className="row">
              <Segmented<Screen>
                aria-label={say("apps.previewSize")}
                value={screen}
                onChange={setScreen}
                options={[
                  { value: "small", label: say("apps.previewSmall") },
                  { value: "phone", label: say("apps.previewPhone") },
                  { value: "tablet", label: say("apps.previewTablet") },
                ]}
              />
              <Segmented<Scheme>
                aria-label={say("apps.previewTheme")}
                value={scheme}
                onChange={setScheme}
                options={[
                  { value: "light", label: say("apps.previewLight") },
                  { value: "dark", label: say("apps.previewDark") },
                ]}
              />
              <Segmented<Language>
                aria-label={say("apps.previewLanguage")}
                value={spoken}
                onChange={setSpoken}
                options={[
                  { value: "zh", label: "中文" },
                  { value: "en", label: "English" },
                ]}
              />
            </div>
            <Phone
              key={session.origin}
              session={session}
              title={say("apps.previewFrame", { name })}
              says={say(version.state === "published" ? "apps.previewMadePublished" : "apps.previewMade")}
              screen={screen}
              scheme={scheme}
              language={spoken}
              onSaid={setSaid}
              onProblem={(thrown) => {
                const elsewhere = elsewhereThan(session.console);
                if (thrown.code === NO_WORKER && elsewhere) {
                  return end(
                    <>
                      {say("apps.previewNoStorage")} <a href={elsewhere}>{session.console}</a>
                    </>,
                  );
                }
                end();
                setProblem(thrown);
              }}
              onStopped={(code) => end(say("apps.previewClosed", { code }))}
              onEnded={() => end(say("apps.previewEnded"))}
            />
          </>
        ) : null}
        {session || said.length > 0 ? <WhatItSaid said={said} /> : null}
      </div>
    </Panel>
  );
}

/** The container's code for an origin whose worker may not be; most often a browser that blocks foreign storage. */
const NO_WORKER = "worker_unavailable";

/** Returns this page in the console of another address, or "" when it is that one. */
function elsewhereThan(console: string): string {
  return console === location.origin ? "" : console + location.pathname + location.search;
}

function Phone(props: {
  session: Session;
  title: string;
  says: string;
  screen: Screen;
  scheme: Scheme;
  language: Language;
  onSaid: (change: (list: readonly Said[]) => readonly Said[]) => void;
  onProblem: (problem: Problem) => void;
  onStopped: (code: string) => void;
  onEnded: () => void;
}) {
  const { session, title, says, screen, scheme, language } = props;
  const { say } = useText();
  const mount = useRef<HTMLDivElement>(null);
  const shown = useRef<Preview | null>(null);
  const tell = useRef(props);
  tell.current = props;
  const [isReady, setReady] = useState(false);
  const { holder, scale } = useScale(SCREENS[screen][0] + BORDER);
  const [width, height] = SCREENS[screen];

  // biome-ignore lint/correctness/useExhaustiveDependencies: one frame for one session; what changes is told to it below
  useEffect(() => {
    if (mount.current === null) return;
    const view = { theme: { scheme, fontScale: 1 }, language };
    const { preview, ready } = showSession(session, mount.current, title, view, {
      onCall: (method, code) => tell.current.onSaid((list) => withCall(list, method, code)),
      onNote: (note) => tell.current.onSaid((list) => withNote(list, note)),
      onStopped: (code) => tell.current.onStopped(code),
    });
    shown.current = preview;
    let isClosed = false;
    ready.then(
      () => setReady(true),
      (thrown: unknown) => isClosed || tell.current.onProblem(readable(thrown)),
    );
    const timer = setTimeout(() => tell.current.onEnded(), Math.max(0, session.until_ms - Date.now()));
    return () => {
      isClosed = true;
      clearTimeout(timer);
      shown.current = null;
      preview.close();
    };
  }, [session]);

  useEffect(() => {
    shown.current?.look({ theme: { scheme, fontScale: 1 }, language });
  }, [scheme, language]);

  return (
    <div ref={holder} className="live-phone-holder" style={{ height: (height + BORDER) * scale }}>
      <div
        className={`live-phone ${screen} ${scheme}`}
        style={{ width, height, transform: scale < 1 ? `scale(${scale})` : undefined }}
      >
        <div className="live-phone-says">{isReady ? says : `${says} · ${say("apps.previewLoading")}`}</div>
        <div ref={mount} />
      </div>
    </div>
  );
}

function readable(thrown: unknown): Problem {
  const { code, message } = thrown as { code?: unknown; message?: unknown };
  if (thrown instanceof Problem || typeof code !== "string") return asProblem(thrown);
  return new Problem(0, code, String(message ?? code));
}

/** How much of a screen of `width` px fits; a tablet is shown smaller on a narrow page. */
function useScale(width: number) {
  const holder = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(width);
  useLayoutEffect(() => {
    const node = holder.current;
    if (node === null) return;
    const watch = new ResizeObserver(() => setRoom(node.clientWidth));
    watch.observe(node);
    return () => watch.disconnect();
  }, []);
  return { holder, scale: Math.min(1, room / width) };
}

const KEYS = {
  answered: "apps.previewAnswered",
  refused: "apps.previewRefused",
  blocked: "apps.previewBlocked",
  error: "apps.previewError",
  resource: "apps.previewResource",
  white: "apps.previewWhite",
} as const;

function WhatItSaid({ said }: { said: readonly Said[] }) {
  const { say } = useText();
  return (
    <div className="stack tight">
      <h3 className="small strong">{say("apps.previewCalls")}</h3>
      {said.length === 0 ? (
        <span className="muted">{say("apps.previewCallsEmpty")}</span>
      ) : (
        <ul className="preview-said" aria-live="polite">
          {said.map((each) => (
            <li key={each.key}>
              {each.kind === "answered" || each.kind === "refused" ? <code>{each.what}</code> : null}
              <span className={each.kind === "answered" ? "muted" : "strong"}>
                {say(KEYS[each.kind], { code: each.code, what: each.what })}
              </span>
              {each.times > 1 ? <span className="faint num">{say("apps.previewTimes", { n: each.times })}</span> : null}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
