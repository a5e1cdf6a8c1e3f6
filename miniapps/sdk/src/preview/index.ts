/** @sampan/sdk/preview for consoles: a version in a frame before its review. */

export type { Note } from "../bridge/protocol";
export { codeOf } from "../container/problem";
export { Preview, type PreviewBytes, type PreviewEvents, type PreviewFacts, type PreviewView } from "./preview";
