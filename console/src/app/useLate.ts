/** What is being typed, once nobody has typed for a moment. */

import { useEffect, useState } from "react";

const TYPING_MS = 250;

export function useLate(text: string, afterMs = TYPING_MS): string {
  const [late, setLate] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setLate(text), afterMs);
    return () => clearTimeout(timer);
  }, [text, afterMs]);
  return late;
}
