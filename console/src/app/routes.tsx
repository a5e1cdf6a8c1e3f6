/** Every page by its path; each is its own file, fetched when it is first opened. */

import { type ComponentType, lazy } from "react";
import { createBrowserRouter } from "react-router";
import { Frame } from "../layout/Frame";
import { Broken, NotFound } from "./Broken";
import { Gate } from "./Gate";
import { SessionProvider } from "./session";

type Module = { default: ComponentType };

function page(path: string, needs: readonly string[], load: () => Promise<Module>) {
  const Page = lazy(load);
  return {
    path,
    element: (
      <Gate needs={needs}>
        <Page />
      </Gate>
    ),
    errorElement: <Broken />,
  };
}

const SetUp = lazy(() => import("../pages/session/SetUp"));

export const router = createBrowserRouter(
  [
    { path: "/setup", element: <SetUp />, errorElement: <Broken /> },
    {
      path: "/",
      element: (
        <SessionProvider>
          <Frame />
        </SessionProvider>
      ),
      errorElement: <Broken />,
      children: [
        page("", [], () => import("../pages/overview/Overview")),
        page("apps", ["app:read"], () => import("../pages/apps/Apps")),
        page("apps/:app", ["app:read"], () => import("../pages/apps/AppDetail")),
        page("apps/:app/versions/:sequence", ["app:read"], () => import("../pages/apps/VersionPage")),
        page("reviews", ["version:review"], () => import("../pages/reviews/Reviews")),
        page("changes", ["change:read"], () => import("../pages/changes/Changes")),
        page("changes/:change", ["change:read"], () => import("../pages/changes/ChangePage")),
        { path: "*", element: <NotFound /> },
      ],
    },
  ],
  { basename: "/console" },
);
