/** The forms of the console as its code has them: where each stands, what its title says, which refusals it places. */

import { catalogue, isTextKey } from "../src/i18n/catalogue";
import { code } from "./console";

export type Use = { file: string; name: string; isForm: boolean; title: RegExp; codes: readonly string[] };

const OWN = new Set(["design/FormDialog.tsx", "design/ConfirmAction.tsx", "pages/design/Design.tsx"]);
const TEXTS = catalogue("en") as Record<string, Record<string, string>>;

/** Every use of a form; a dialog is known by its title, another form by the words of its button. */
export const USES: readonly Use[] = [...code]
  .filter(([file]) => file.endsWith(".tsx") && !OWN.has(file))
  .flatMap(([file, text]) =>
    [...text.matchAll(/<(FormDialog|ConfirmAction|ProblemForm)\b/g)].map((found) => {
      const tag = opening(text.slice(found.index));
      const names = keysIn(attribute(tag, found[1] === "ProblemForm" ? "submit" : "title"));
      const codes = [...attribute(tag, "byCode").matchAll(/(\w+): \[/g)].map((entry) => entry[1] ?? "");
      return {
        file,
        name: `${file}: ${names.join(" or ")}`,
        isForm: found[1] !== "ConfirmAction",
        title: anyOf(names),
        codes,
      };
    }),
  );

/** Returns a tag up to the `>` that closes it. */
function opening(text: string): string {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (text[at] === ">" && depth === 0 && text[at - 1] !== "=" && /\s|\//.test(text[at - 1] ?? ""))
      return text.slice(0, at);
  }
  return text;
}

function attribute(tag: string, name: string): string {
  const start = tag.search(new RegExp(`\\s${name}=\\{`));
  if (start < 0) return "";
  const from = tag.indexOf("{", start);
  let depth = 0;
  for (let at = from; at < tag.length; at += 1) {
    if (tag[at] === "{") depth += 1;
    if (tag[at] === "}") depth -= 1;
    if (depth === 0) return tag.slice(from, at);
  }
  return tag.slice(from);
}

function keysIn(text: string): string[] {
  return [...text.matchAll(/"([a-z]\w*\.\w+)"/gi)].map((found) => found[1] ?? "").filter(isTextKey);
}

function anyOf(keys: readonly string[]): RegExp {
  const forms = keys.map((key) => {
    const [area = "", word = ""] = key.split(".");
    const text = TEXTS[area]?.[word] ?? "";
    return text
      .split(/\{\{.*?\}\}/)
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*");
  });
  return new RegExp(`^(${forms.join("|")})$`);
}
