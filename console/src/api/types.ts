/** Short names for what the server sends. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Me = Schemas["MeView"];
export type App = Schemas["AppOut"];
export type Version = Schemas["VersionOut"];
export type VersionDetail = Schemas["VersionDetailOut"];
export type Finding = Schemas["FindingOut"];
export type Change = Schemas["ChangeView"];
export type DiffLine = Schemas["DiffView"];
export type Release = Schemas["ReleaseOut"];
export type ReleaseDetail = Schemas["ReleaseDetail"];
export type Customer = Schemas["CustomerAnswer"];
export type Device = Schemas["DeviceAnswer"];
export type ClientApp = Schemas["ClientAppAnswer"];
export type Operator = Schemas["OperatorView"];
export type Token = Schemas["TokenView"];
export type Publisher = Schemas["PublisherOut"];
export type Entry = Schemas["EntryOut"];
export type Category = Schemas["CategoryOut"];
export type Tree = Schemas["TreeView"];
export type Key = Schemas["KeyView"];
export type Waiting = Schemas["WaitingView"];
export type Comparison = Schemas["ComparisonOut"];
export type FileChange = Schemas["FileChangeOut"];
export type Tier = "visitor" | "registered" | "e_account" | "full";

export const TIERS: readonly Tier[] = ["visitor", "registered", "e_account", "full"];
export const CUSTOMER_TIERS = ["registered", "e_account", "full"] as const;
