import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { paintFirst } from "./app/preferences";
import "./design/design.css";
import "./i18n";

paintFirst();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
