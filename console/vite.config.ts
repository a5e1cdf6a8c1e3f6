import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.SAMPAN_SERVER ?? "http://127.0.0.1:8080";

/** Development: `SAMPAN_SERVER=http://127.0.0.1:8080 npm run dev -w console`; the server's own host and cookies are kept. */
export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: {
    outDir: "../platform/src/sampan/platform/web/console",
    emptyOutDir: true,
    target: "es2023",
    chunkSizeWarningLimit: 900,
  },
  server: {
    port: Number(process.env.PORT ?? 5173),
    strictPort: true,
    proxy: { "^(/w/[^/]+)?/console/api/": { target: server, changeOrigin: false } },
  },
  test: { environment: "happy-dom", include: ["tests/**/*.test.{ts,tsx}"] },
});
