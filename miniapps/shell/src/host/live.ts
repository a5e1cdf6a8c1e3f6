import type { Session } from "@sampan/sdk";

const LIVE = "/client/v1/live";
const [FIRST_WAIT_MS, MOST_WAIT_MS] = [1_000, 60_000];

/**
 * Wake-ups of the server: `wake` is called at each, and when the line is there again after it was cut. The stream says
 * that something changed, never what; sync does.
 */
export async function followWakeUps(session: Session, wake: () => void, stop: AbortSignal): Promise<void> {
  let waitMs = FIRST_WAIT_MS;
  while (!stop.aborted) {
    try {
      const headers = { authorization: `Bearer ${await session.accessToken()}`, accept: "text/event-stream" };
      const answer = await fetch(LIVE, { headers, credentials: "omit", cache: "no-store", signal: stop });
      if (!answer.ok || answer.body === null) throw new Error(`live answered ${answer.status}`);
      wake();
      waitMs = FIRST_WAIT_MS;
      await readEvents(answer.body, wake);
    } catch {
      // the line is cut; it is taken up again below
    }
    await pause(waitMs * (0.5 + Math.random()), stop);
    waitMs = Math.min(waitMs * 2, MOST_WAIT_MS);
  }
}

async function readEvents(body: ReadableStream<Uint8Array>, wake: () => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const frames = (rest + value).split("\n\n");
    rest = frames.pop() ?? "";
    if (frames.some((frame) => /^event: ?revision$/m.test(frame))) wake();
  }
}

function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const early = (): void => {
      clearTimeout(timer);
      resolve();
    };
    stop.addEventListener("abort", early, { once: true });
    addEventListener("online", early, { once: true });
  });
}
