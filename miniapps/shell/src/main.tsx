import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { createHost } from "./host/browser_host";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";

const place = document.getElementById("root");
if (place === null) throw new Error("index.html has no #root");
const host = createHost();
createRoot(place).render(
  <StrictMode>
    <App host={host} />
  </StrictMode>,
);
void host.start();
