import { useEffect, useState } from "react";
import { type Around, followAround, readAround } from "./bridge";
import { readTexts, type Texts } from "./texts";

export function App() {
  const [around, setAround] = useState<Around | null>(null);
  const [words, setWords] = useState<Texts | null>(null);
  useEffect(() => {
    void readAround().then(setAround);
    return followAround((change) => setAround((before) => before && { ...before, ...change }));
  }, []);
  useEffect(() => {
    if (!around) return;
    document.documentElement.dataset.scheme = around.scheme;
    document.documentElement.lang = around.language;
    void readTexts(around.language).then(setWords);
  }, [around]);
  if (!around || !words) return null;
  return (
    <>
      <h1>{words.title}</h1>
      <p>{words.hello}</p>
      <dl>
        <dt>{words.tier}</dt>
        <dd>{around.tier}</dd>
        <dt>{words.theme}</dt>
        <dd>{around.scheme}</dd>
        <dt>{words.language}</dt>
        <dd>{around.language}</dd>
      </dl>
    </>
  );
}
