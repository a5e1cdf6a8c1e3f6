/** What a browser can do for a mini-app, or a clear "not available on this device". Replaceable one by one. */

import { BridgeError } from "../bridge/errors";
import type { Position } from "../bridge/protocol";
import type { Capabilities } from "./ports";

const LOCATION_TIMEOUT_MS = 15_000;
const MAX_PICTURE_BYTES = 8 * 1_048_576;

/** Take or choose one picture; resolves with null when the person chose none. */
export type PickPicture = (facing: "user" | "environment") => Promise<File | null>;

interface Detector {
  detect(source: ImageBitmap): Promise<readonly { rawValue: string; format: string }[]>;
}

/** Return the capabilities of this browser. `shareBase` is the address that a shared page of an app is told under. */
export function browserCapabilities(shareBase: string, pick: PickPicture = pickByInput): Capabilities {
  return {
    share: (app, { title, text, path }) => {
      const place = new URL(`#/app/${app}${path === undefined ? "" : `?path=${encodeURIComponent(path)}`}`, shareBase);
      return share({ title, url: place.href, ...(text === undefined ? {} : { text }) });
    },
    writeClipboard: (text) => guarded("clipboard", () => navigator.clipboard.writeText(text)),
    readClipboard: () => guarded("clipboard", () => navigator.clipboard.readText()),
    scan: () => scan(pick),
    camera: async (facing) => {
      const file = await picture(pick, facing);
      return { type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) };
    },
    location: () => position(),
  };
}

async function share(what: ShareData): Promise<void> {
  if (navigator.share === undefined) throw unavailable("share");
  await guarded("share", () => navigator.share(what));
}

async function scan(pick: PickPicture): Promise<{ text: string; format: string }> {
  const detectorOf = (globalThis as { BarcodeDetector?: new () => Detector }).BarcodeDetector;
  if (detectorOf === undefined) throw unavailable("scan");
  const image = await createImageBitmap(await picture(pick, "environment"));
  const [found] = await new detectorOf().detect(image);
  if (found === undefined) throw new BridgeError("failed", "There is no code in the picture.");
  return { text: found.rawValue, format: found.format };
}

async function picture(pick: PickPicture, facing: "user" | "environment"): Promise<File> {
  const file = await pick(facing);
  if (file === null) throw new BridgeError("consent_refused", "No picture was chosen.");
  if (file.size > MAX_PICTURE_BYTES) {
    throw new BridgeError("too_large", `A picture may have ${MAX_PICTURE_BYTES} bytes.`);
  }
  return file;
}

function position(): Promise<Position> {
  if (navigator.geolocation === undefined) throw unavailable("location");
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords: { latitude, longitude, accuracy } }) => resolve({ latitude, longitude, accuracy }),
      (problem) => reject(locationProblem(problem)),
      { timeout: LOCATION_TIMEOUT_MS, maximumAge: 60_000 },
    );
  });
}

function locationProblem({ code, PERMISSION_DENIED, TIMEOUT }: GeolocationPositionError): BridgeError {
  if (code === PERMISSION_DENIED) return new BridgeError("consent_refused", "The browser was not allowed to tell it.");
  if (code === TIMEOUT) return new BridgeError("timeout", "The device did not find its place in time.");
  return unavailable("location");
}

/** A file input with `capture` opens the camera on phones and a file dialogue elsewhere. */
function pickByInput(facing: "user" | "environment"): Promise<File | null> {
  return new Promise((resolve) => {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = "image/*";
    input.capture = facing;
    input.addEventListener("change", () => resolve(input.files?.[0] ?? null));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}

async function guarded<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    const isRefused = thrown instanceof DOMException && ["NotAllowedError", "AbortError"].includes(thrown.name);
    if (isRefused) throw new BridgeError("consent_refused", `The browser was not allowed to use ${name}.`);
    throw unavailable(name);
  }
}

function unavailable(name: string): BridgeError {
  return new BridgeError("not_available", `${name} is not available on this device.`);
}
