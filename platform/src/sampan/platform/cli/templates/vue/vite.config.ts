import { mkdirSync, writeFileSync } from "node:fs";
import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";

/** The libraries' links to their manuals become plain words of the same length: nothing here calls those hosts. */
const LINKS = /https:\/\/(?=react\.dev|vuejs\.org)/g;

/** Source maps stay with you, in maps/: they tell your code from an error's line, and are not shipped. */
const keepMaps: Plugin = {
  name: "keep-maps",
  generateBundle(_options, bundle) {
    for (const [name, file] of Object.entries(bundle)) {
      if (file.type === "chunk") file.code = file.code.replace(LINKS, "see at: ");
      if (file.type !== "asset" || !name.endsWith(".map")) continue;
      mkdirSync("maps", { recursive: true });
      writeFileSync(`maps/${name.split("/").at(-1)}`, file.source);
      delete bundle[name];
    }
  },
};

// A relative base: the same build runs at every address. The container allows no inline script.
export default defineConfig({
  base: "./",
  plugins: [vue(), keepMaps],
  build: { sourcemap: "hidden" },
});
