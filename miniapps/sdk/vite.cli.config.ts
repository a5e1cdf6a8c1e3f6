import { defineConfig } from "vite";

/** One file that plain node runs: the SDK's command line for tests. */
export default defineConfig({
  logLevel: "warn",
  build: {
    ssr: "cli/main.ts",
    outDir: "dist/cli",
    target: "node20",
    minify: false,
    rollupOptions: { output: { entryFileNames: "sampan-sdk.mjs" } },
  },
});
