import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { keepInDialog } from "./app/focus";
import { paintFirst } from "./app/preferences";
import "./design/design.css";
import "./i18n";

paintFirst();
document.addEventListener("keydown", keepInDialog);
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
