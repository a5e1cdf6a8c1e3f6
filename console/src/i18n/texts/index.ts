/** The texts of each area; a page's texts stand in the area of its folder. */

import { account } from "./account";
import { apps } from "./apps";
import { catalogue } from "./catalogue";
import { changes } from "./changes";
import { common } from "./common";
import { frame } from "./frame";
import { overview } from "./overview";
import { problems } from "./problems";
import { session } from "./session";
import { states, tiers } from "./states";

export const areas = { account, apps, catalogue, changes, common, frame, overview, problems, session, states, tiers };
