/** Builds the shell of the browser tests into the folder named by the first argument. */

import { join } from "node:path";
import { build } from "vite";

const folder = import.meta.dirname;
await build({
  root: folder,
  configFile: false,
  logLevel: "error",
  build: {
    outDir: process.argv[2],
    emptyOutDir: false,
    minify: false,
    target: "es2022",
    lib: { entry: join(folder, "shell.ts"), formats: ["iife"], name: "test_shell", fileName: () => "shell.js" },
  },
});
