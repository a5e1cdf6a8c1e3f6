/** Everything around the pages: data, look, language. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App as AntApp, ConfigProvider } from "antd";
import en from "antd/locale/en_GB";
import zh from "antd/locale/zh_CN";
import { RouterProvider } from "react-router";
import { asProblem } from "../api/problem";
import { antTheme } from "../design/tokens";
import { useText } from "../i18n";
import { LookProvider, useLook } from "./preferences";
import { router } from "./routes";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: true,
      // A refusal stays a refusal; only a lost connection or a busy server is worth another try.
      retry: (count, error) => count < 2 && [0, 502, 503, 504].includes(asProblem(error).status),
    },
    mutations: { retry: false },
  },
});

export function App() {
  return (
    <QueryClientProvider client={client}>
      <LookProvider>
        <Themed />
      </LookProvider>
    </QueryClientProvider>
  );
}

const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

function Themed() {
  const { mode } = useLook();
  const { language } = useText();
  const theme = antTheme(mode);
  return (
    <ConfigProvider
      theme={{ ...theme, token: { ...theme.token, motion: !isStill } }}
      locale={language === "zh" ? zh : en}
      button={{ autoInsertSpace: false }}
      wave={{ disabled: true }}
    >
      <AntApp>
        <RouterProvider router={router} />
      </AntApp>
    </ConfigProvider>
  );
}
