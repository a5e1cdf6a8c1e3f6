/** The places of the console: what the menu shows, the permission each needs, the key that leads there. */

import {
  AppstoreOutlined,
  AuditOutlined,
  BarChartOutlined,
  CloudDownloadOutlined,
  ControlOutlined,
  DashboardOutlined,
  FileDoneOutlined,
  FileSearchOutlined,
  FlagOutlined,
  GlobalOutlined,
  HomeOutlined,
  IdcardOutlined,
  KeyOutlined,
  MobileOutlined,
  ProfileOutlined,
  QuestionCircleOutlined,
  RocketOutlined,
  SafetyCertificateOutlined,
  SettingOutlined,
  ShopOutlined,
  TabletOutlined,
  TagsOutlined,
  TeamOutlined,
  UsergroupAddOutlined,
  UserOutlined,
} from "@ant-design/icons";
import type { ReactNode } from "react";
import type { TextKey } from "../i18n";

export type Place = {
  path: string;
  text: TextKey;
  icon: ReactNode;
  /** Any of these permissions opens the page (see rights.ts); none means everybody. */
  needs: readonly string[];
  /** The second key after `g`. */
  key?: string;
  count?: "reviews" | "changes" | "trust";
};

export type Group = { text: TextKey; places: readonly Place[] };

export const MENU: readonly Group[] = [
  {
    text: "frame.groupToday",
    places: [
      { path: "/", text: "frame.overview", icon: <HomeOutlined />, needs: [], key: "o" },
      {
        path: "/changes",
        text: "frame.changes",
        icon: <FileDoneOutlined />,
        needs: ["change:read"],
        key: "c",
        count: "changes",
      },
      {
        path: "/reviews",
        text: "frame.reviews",
        icon: <FileSearchOutlined />,
        needs: ["version:review"],
        key: "r",
        count: "reviews",
      },
    ],
  },
  {
    text: "frame.groupDeliver",
    places: [
      { path: "/apps", text: "frame.apps", icon: <AppstoreOutlined />, needs: ["app:read"], key: "a" },
      { path: "/releases", text: "frame.releases", icon: <RocketOutlined />, needs: ["release:read"], key: "l" },
      { path: "/switches", text: "frame.switches", icon: <ControlOutlined />, needs: ["switch:read"], key: "w" },
      {
        path: "/codepush",
        text: "frame.codepush",
        icon: <CloudDownloadOutlined />,
        needs: ["codepush:read"],
      },
      { path: "/catalogue", text: "frame.catalogue", icon: <ShopOutlined />, needs: ["catalogue:read"], key: "k" },
      { path: "/insight", text: "frame.insight", icon: <BarChartOutlined />, needs: ["insight:read"], key: "i" },
    ],
  },
  {
    text: "frame.groupPeople",
    places: [
      { path: "/customers", text: "frame.customers", icon: <UserOutlined />, needs: ["customer:read"], key: "u" },
      { path: "/devices", text: "frame.devices", icon: <TabletOutlined />, needs: ["customer:read"], key: "v" },
      {
        path: "/audiences",
        text: "frame.audiences",
        icon: <UsergroupAddOutlined />,
        needs: ["audience:read"],
        key: "e",
      },
      { path: "/tags", text: "frame.tags", icon: <TagsOutlined />, needs: ["tag:read"], key: "b" },
      {
        path: "/explain",
        text: "frame.explain",
        icon: <QuestionCircleOutlined />,
        needs: ["audience:explain"],
        key: "x",
      },
      { path: "/reports", text: "frame.reports", icon: <FlagOutlined />, needs: ["report:read"] },
      { path: "/client-apps", text: "frame.clientApps", icon: <MobileOutlined />, needs: ["client_app:read"] },
      { path: "/publishers", text: "frame.publishers", icon: <IdcardOutlined />, needs: ["app:read"] },
    ],
  },
  {
    text: "frame.groupGovern",
    places: [
      {
        path: "/trust",
        text: "frame.trust",
        icon: <SafetyCertificateOutlined />,
        needs: ["trust:read"],
        key: "t",
        count: "trust",
      },
      { path: "/operators", text: "frame.operators", icon: <TeamOutlined />, needs: ["operator:read"], key: "p" },
      { path: "/roles", text: "frame.roles", icon: <ProfileOutlined />, needs: ["operator:read"] },
      { path: "/tokens", text: "frame.tokens", icon: <KeyOutlined />, needs: ["token:read", "token:create"] },
      { path: "/audit", text: "frame.audit", icon: <AuditOutlined />, needs: ["audit:read"], key: "d" },
      { path: "/policy", text: "frame.settings", icon: <SettingOutlined />, needs: ["miniapps:policy", "app:read"] },
      { path: "/hosts", text: "frame.hosts", icon: <GlobalOutlined />, needs: ["host:read"] },
      { path: "/system", text: "frame.system", icon: <DashboardOutlined />, needs: ["system:read"], key: "s" },
    ],
  },
];
