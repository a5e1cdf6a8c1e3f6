/** The texts of each area; a page's texts stand in the area of its folder. */

import { account } from "./account";
import { actions } from "./actions";
import { apps } from "./apps";
import { audiences } from "./audiences";
import { catalogue } from "./catalogue";
import { changes } from "./changes";
import { codepush } from "./codepush";
import { common } from "./common";
import { customers } from "./customers";
import { devices } from "./devices";
import { explain } from "./explain";
import { frame } from "./frame";
import { hosts } from "./hosts";
import { hotfixes } from "./hotfixes";
import { notices } from "./notices";
import { overview } from "./overview";
import { people } from "./people";
import { plan } from "./plan";
import { problems } from "./problems";
import { releases } from "./releases";
import { reports } from "./reports";
import { rules } from "./rules";
import { session } from "./session";
import { states, tiers } from "./states";
import { switches } from "./switches";
import { system } from "./system";
import { tags } from "./tags";
import { audit, designPage, insight, policy, trust } from "./trust";
import { upgrades } from "./upgrades";

export const areas = {
  account,
  actions,
  apps,
  audiences,
  audit,
  catalogue,
  changes,
  codepush,
  common,
  customers,
  designPage,
  devices,
  explain,
  frame,
  hosts,
  hotfixes,
  insight,
  notices,
  overview,
  people,
  plan,
  policy,
  problems,
  releases,
  reports,
  rules,
  session,
  states,
  switches,
  system,
  tags,
  tiers,
  trust,
  upgrades,
};
