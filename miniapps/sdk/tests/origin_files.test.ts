import { describe, expect, it } from "vitest";
import { readConfig } from "../src/origin/config";
import { appPolicy, bootPolicy } from "../src/origin/csp";
import { injectRuntime } from "../src/origin/inject";
import { isDocument, mediaType } from "../src/origin/mime";
import { parseRange } from "../src/origin/ranges";

const SHELLS = ["https://demo.bank.example"];
const NONE = { bridge: [], network: [], webview: [] };

describe("the policy of an app's files", () => {
  it("lets nothing out by itself", () => {
    const policy = appPolicy({ ...NONE, network: ["api.shop.example"] }, SHELLS);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self';");
    for (const name of ["worker-src", "form-action", "base-uri", "object-src", "frame-src"]) {
      expect(policy).toContain(`${name} 'none'`);
    }
    expect(policy).toContain("frame-ancestors https://demo.bank.example");
  });

  it("widens only by signed permissions", () => {
    const asked = { bridge: ["network.direct", "wasm"], network: ["*.shop.example:8443"], webview: ["pay.example"] };
    const policy = appPolicy(asked, SHELLS);
    expect(policy).toContain("connect-src 'self' https://*.shop.example:8443;");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(policy).toContain("frame-src https://pay.example;");
  });

  it("lets only the boot page register a worker", () => {
    const policy = bootPolicy(SHELLS, "abc=");
    expect(policy).toContain("worker-src 'self'");
    expect(policy).toContain("script-src 'sha256-abc=';");
  });
});

describe("the runtime's place in a document", () => {
  const facts = { shell: "https://demo.bank.example", sequence: 3, digest: "sha256:ab" };
  const inject = async (text: string) => injectRuntime(new TextEncoder().encode(text), facts).text();
  const TAG =
    '<script src="/__runtime.js" data-shell="https://demo.bank.example" data-sequence="3" data-digest="sha256:ab"></script>';

  it.each([
    ["<!doctype html><html><head><script>1</script>", "<!doctype html>"],
    ["\ufeff<!DOCTYPE html>\n<!-- a --><html lang=zh>", "\ufeff<!DOCTYPE html>\n<!-- a -->"],
    ["<?xml version='1.0'?><html>", "<?xml version='1.0'?>"],
    ["<script>app()</script>", ""],
    ["", ""],
  ])("comes before the first tag of %j", async (html, before) => {
    expect(await inject(html)).toBe(
      (before.replace("\ufeff", "") && before.replace(/^\ufeff/, "")) + TAG + html.slice(before.length),
    );
  });

  it.each(["<!-->", "<!--->", "<!-- a --!>"])("does not take a script behind %s for a comment", async (comment) => {
    expect(await inject(`${comment}<script>app()</script>-->`)).toBe(`${comment}${TAG}<script>app()</script>-->`);
  });

  it("escapes what it is told", async () => {
    const text = await injectRuntime(new Uint8Array(), { ...facts, refused: `"><script>` }).text();
    expect(text).toContain('data-refused="&#34;&#62;&#60;script&#62;"');
  });

  it("leaves other bytes as they are", async () => {
    const bytes = new Uint8Array([0xff, 0xfe, 0x00, 0x80]);
    const made = new Uint8Array(await injectRuntime(bytes, facts).arrayBuffer());
    expect(made.slice(-4)).toEqual(bytes);
  });
});

describe("ranges", () => {
  it.each([
    [null, null],
    ["bytes=0-3", { first: 0, last: 3 }],
    ["bytes=4-", { first: 4, last: 9 }],
    ["bytes=-3", { first: 7, last: 9 }],
    ["bytes=-30", { first: 0, last: 9 }],
    ["bytes=5-99", { first: 5, last: 9 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-4", null],
    ["bytes=0-1,3-4", null],
    ["items=0-1", null],
    ["bytes=-", null],
  ])("%s of ten bytes", (header, wanted) => {
    expect(parseRange(header, 10)).toEqual(wanted);
  });
});

describe("media types", () => {
  it("go by the extension alone", () => {
    expect(mediaType("a/b.MJS")).toBe("text/javascript; charset=utf-8");
    expect(mediaType("a.wasm")).toBe("application/wasm");
    expect(mediaType("a.b/c")).toBe("application/octet-stream");
    expect(isDocument("pages/a.HTML")).toBe(true);
    expect(isDocument("html.js")).toBe(false);
  });
});

describe("the worker's configuration", () => {
  const raw = { workspace: "demo", app: "bank.demo.a", kind: "live", profile: "intl", shell_origin: SHELLS };

  it("takes the root as text, or as the object that its one spelling makes", () => {
    const asText = readConfig({ ...raw, root: '{"a":"\\u00e9"}' });
    const asObject = readConfig({ ...raw, root: { a: "é" } });
    expect(asObject.root).toEqual(asText.root);
    expect(asText.shellOrigins).toEqual(SHELLS);
  });

  it("is demanded", () => {
    expect(() => readConfig(undefined)).toThrow("SAMPAN_ORIGIN");
  });
});
