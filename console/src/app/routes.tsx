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
        page(
          "apps/:app/versions/:sequence/hotfixes/new",
          ["version:submit"],
          () => import("../pages/hotfixes/NewHotfix"),
        ),
        page("apps/:app/versions/:sequence/hotfixes/:n", ["app:read"], () => import("../pages/hotfixes/HotfixPage")),
        page("reviews", ["version:review"], () => import("../pages/reviews/Reviews")),
        page("changes", ["change:read"], () => import("../pages/changes/Changes")),
        page("changes/:change", ["change:read"], () => import("../pages/changes/ChangePage")),
        page("releases", ["release:read"], () => import("../pages/releases/Releases")),
        page("releases/new", ["release:create"], () => import("../pages/releases/NewRelease")),
        page("releases/freezes", ["release:read"], () => import("../pages/releases/Freezes")),
        page("releases/:release/edit", ["release:create"], () => import("../pages/releases/EditRelease")),
        page("releases/:release", ["release:read"], () => import("../pages/releases/ReleasePage")),
        page("codepush", ["codepush:read"], () => import("../pages/codepush/CodePush")),
        page("codepush/:app", ["codepush:read"], () => import("../pages/codepush/Deployments")),
        page("codepush/:app/:deployment", ["codepush:read"], () => import("../pages/codepush/DeploymentPage")),
        page("switches", ["switch:read"], () => import("../pages/switches/Switches")),
        page("switches/new", ["switch:edit"], () => import("../pages/switches/EditSwitch")),
        page("switches/:key", ["switch:read"], () => import("../pages/switches/SwitchPage")),
        page("switches/:key/edit", ["switch:edit"], () => import("../pages/switches/EditSwitch")),
        page("audiences", ["audience:read"], () => import("../pages/audiences/Audiences")),
        page("audiences/new", ["audience:edit"], () => import("../pages/audiences/EditAudience")),
        page("audiences/:audience", ["audience:read"], () => import("../pages/audiences/AudiencePage")),
        page("audiences/:audience/edit", ["audience:edit"], () => import("../pages/audiences/EditAudience")),
        page("tags", ["tag:read"], () => import("../pages/tags/Tags")),
        { path: "tags/new", element: <NotFound /> },
        page("tags/:tag", ["tag:read"], () => import("../pages/tags/TagPage")),
        page("explain", ["audience:explain"], () => import("../pages/explain/Explain")),
        page("customers", ["customer:read"], () => import("../pages/customers/Customers")),
        page("customers/import", ["customer:edit"], () => import("../pages/customers/ImportPage")),
        page("customers/:customer", ["customer:read"], () => import("../pages/customers/CustomerPage")),
        page("devices", ["customer:read"], () => import("../pages/devices/DeviceList")),
        page("devices/:device", ["customer:read"], () => import("../pages/devices/DevicePage")),
        page("reports", ["report:read"], () => import("../pages/reports/Reports")),
        page("client-apps", ["client_app:read"], () => import("../pages/client-apps/ClientApps")),
        page("client-apps/:app/upgrades", ["client_app:read"], () => import("../pages/client-apps/Upgrades")),
        page("publishers", ["app:read"], () => import("../pages/publishers/Publishers")),
        page("operators", ["operator:read"], () => import("../pages/operators/Operators")),
        page("roles", ["operator:read"], () => import("../pages/operators/Roles")),
        page("tokens", ["token:read", "token:create"], () => import("../pages/operators/Tokens")),
        page("catalogue", ["catalogue:read"], () => import("../pages/catalogue/Catalogue")),
        page("trust", ["trust:read"], () => import("../pages/trust/Trust")),
        page("audit", ["audit:read"], () => import("../pages/audit/Audit")),
        page("insight", ["insight:read"], () => import("../pages/insight/Insight")),
        page("insight/funnel", ["insight:read"], () => import("../pages/insight/Funnel")),
        page("policy", ["miniapps:policy", "app:read"], () => import("../pages/policy/Policy")),
        page("system", ["system:read"], () => import("../pages/system/System")),
        page("hosts", ["host:read"], () => import("../pages/hosts/Hosts")),
        page("notices", [], () => import("../pages/notices/Notices")),
        page("account", [], () => import("../pages/account/Account")),
        page("design", [], () => import("../pages/design/Design")),
        { path: "*", element: <NotFound /> },
      ],
    },
  ],
  { basename: "/console" },
);
