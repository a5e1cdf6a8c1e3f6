import { beforeAll, describe, expect, it } from "vitest";
import { type OpenedApp, OpenedPackage, openApp } from "../src/origin/opened";
import { packagePath, serve } from "../src/origin/serving";
import { sha256Hex } from "../src/trust/digest";
import type { Dependency, PackageIndex } from "../src/trust/types";

const SHELLS = ["https://demo.bank.example"];
const CHAIN = { roots: [], targets: new Uint8Array(), role: new Uint8Array() };

async function packed(app: string, files: Record<string, string>, more: Partial<PackageIndex> = {}) {
  let bytes = new Uint8Array();
  const entries = [];
  for (const [path, text] of Object.entries(files)) {
    const content = new TextEncoder().encode(text);
    entries.push({ path, size: content.length, offset: bytes.length, sha256: await sha256Hex(content), sm3: "" });
    bytes = new Uint8Array([...bytes, ...content]);
  }
  const index = {
    format: "sampan-package/1", app, kind: "miniapp", version: "1", sequence: 1, min_host: 1,
    permissions: { bridge: [], network: [], webview: [] }, dependencies: [], sub_packages: [], pages: ["pages/home"],
    redirects: [], archive: { size: bytes.length, sha256: "" }, files: entries, ...more,
  } as PackageIndex; // biome-ignore format: one line says less
  return { index, bytes };
}

const asked = (path: string, isNavigation = true) => ({ path, isNavigation, range: null });

describe("serving a verified package", () => {
  let opened: OpenedApp;
  beforeAll(async () => {
    const files = { "pages/home.html": "<h1>home</h1>", "app.js": "1", "docs/index.html": "<h1>docs</h1>" };
    const { index, bytes } = await packed("bank.demo.a", files, {
      redirects: [{ from: "pages/old", to: "pages/home" }],
    });
    const kit = await packed("bank.demo.kit", { "kit.js": "2" });
    opened = {
      app: new OpenedPackage(index, 1, "sha256:aa", new Blob([bytes])),
      shared: new Map([["bank.demo.kit", new OpenedPackage(kit.index, 1, "sha256:bb", new Blob([kit.bytes]))]]),
    };
  });

  it("puts the runtime into documents that are navigated to, and nowhere else", async () => {
    expect(await (await serve(opened, asked("pages/home.html"), SHELLS)).text()).toContain("/__runtime.js");
    expect(await (await serve(opened, asked("pages/home.html", false), SHELLS)).text()).toBe("<h1>home</h1>");
  });

  it("finds pages without their extension, folders' index pages and shared files", async () => {
    expect((await serve(opened, asked("pages/home"), SHELLS)).status).toBe(200);
    expect(await (await serve(opened, asked("docs/"), SHELLS)).text()).toContain("docs");
    expect(await (await serve(opened, asked("_shared/bank.demo.kit/kit.js", false), SHELLS)).text()).toBe("2");
  });

  it("sets policy, type and no-store on every answer", async () => {
    for (const path of ["app.js", "pages/home.html", "nowhere"]) {
      const { headers } = await serve(opened, asked(path), SHELLS);
      expect(headers.get("content-security-policy")).toContain("frame-ancestors https://demo.bank.example");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });

  it("answers 404 for what the package does not have", async () => {
    expect((await serve(opened, asked("nowhere"), SHELLS)).status).toBe(404);
    expect((await serve(opened, asked("_shared/bank.demo.other/kit.js"), SHELLS)).status).toBe(404);
    expect(await (await serve(opened, asked("nowhere", false), SHELLS)).text()).toBe("Not found");
  });

  it("refuses a file that is not the signed one", async () => {
    const { index, bytes } = await packed("bank.demo.a", { "app.js": "signed" });
    bytes[0] = 0;
    const forged = { app: new OpenedPackage(index, 1, "sha256:aa", new Blob([bytes])), shared: new Map() };
    await expect(serve(forged, asked("app.js", false), SHELLS)).rejects.toMatchObject({ code: "store_damaged" });
  });

  it("reads addresses as paths", () => {
    expect(packagePath("/a%20b.html")).toBe("a b.html");
    expect(packagePath("/%ff")).toBeNull();
  });
});

describe("opening a version with its shared packages", () => {
  const config = {
    workspace: "demo",
    app: "bank.demo.a",
    kind: "live",
    profile: "intl",
    shellOrigins: SHELLS,
    root: new Uint8Array(),
  } as const;

  async function open(dependency: Dependency, floor = 0) {
    const app = await packed("bank.demo.a", { "app.js": "1" }, { dependencies: [dependency] });
    const kit = await packed("bank.demo.kit", { "kit.js": "2" });
    const found = new Map([
      ["sha256:aa", app],
      ["sha256:bb", kit],
    ]);
    const sources = {
      chain: async () => CHAIN,
      index: async () => new Uint8Array(),
      archive: async (digest: string) => new Blob([found.get(digest)?.bytes ?? ""]),
    };
    const shared = [{ id: "bank.demo.kit", sequence: 3, digest: "sha256:bb" }];
    const wanted = { app: "bank.demo.a", sequence: 1, digest: "sha256:aa", shared, keep: [] };
    return openApp(config, wanted, sources, async (_config, id) => ({
      index: (id === "bank.demo.a" ? app : kit).index,
      version: { sequence: 1 } as never,
      role: { floor } as never,
    }));
  }

  it("mounts what the signed index names, by digest or by range", async () => {
    for (const dependency of [
      { id: "bank.demo.kit", digest: "sha256:bb" },
      { id: "bank.demo.kit", min_sequence: 1, max_sequence: 3 },
    ]) {
      expect((await open(dependency)).shared.has("bank.demo.kit")).toBe(true);
    }
  });

  it("refuses other versions than the index allows", async () => {
    for (const dependency of [
      { id: "bank.demo.kit", digest: "sha256:cc" },
      { id: "bank.demo.kit", min_sequence: 4, max_sequence: 9 },
      { id: "bank.demo.other", digest: "sha256:bb" },
    ]) {
      await expect(open(dependency)).rejects.toMatchObject({ code: "trust_not_listed" });
    }
  });

  it("refuses a version below the floor of the role", async () => {
    await expect(open({ id: "bank.demo.kit", digest: "sha256:bb" }, 2)).rejects.toMatchObject({
      code: "open_below_floor",
    });
  });
});
