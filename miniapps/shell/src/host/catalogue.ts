import { type CatalogueItem, type Sampan, versionName } from "@sampan/sdk";
import type { Board } from "./board";
import type { CatalogueApp } from "./host";
import { TIERS } from "./host";
import type { Icons } from "./icons";

export const RECENTS = "shell/recents";
const MOST_RECENTS = 8;

/** The apps as the customer sees them: the bank's catalogue, with what of it is installed and was opened last. */
export class Catalogue {
  icons: Icons | null = null;

  constructor(
    private readonly board: Board,
    private readonly ready: () => Sampan,
  ) {}

  async refresh(): Promise<void> {
    const { sync, store } = this.ready();
    const catalogue = await sync.catalogue();
    const recents = ((await store.get(RECENTS)) as string[] | undefined) ?? [];
    const apps = await Promise.all((catalogue?.items ?? []).map((item) => this.entryOf(item)));
    this.board.change({ apps, recents, categories: catalogue?.categories ?? [], hasCatalogue: catalogue !== null });
  }

  remember(app: string): void {
    const recents = [app, ...this.board.snapshot().recents.filter((each) => each !== app)].slice(0, MOST_RECENTS);
    this.board.change({ recents });
    void this.ready().store.write([{ key: RECENTS, value: recents }]);
  }

  private async entryOf(item: CatalogueItem): Promise<CatalogueApp> {
    const { packages } = this.ready().device;
    const { current } = await packages.state(item.id);
    const opensFrom = TIERS.find((tier) => tier === item.entry.open_tier) ?? null;
    return {
      id: item.id,
      name: item.name,
      text: item.text,
      category: item.category,
      icon: (await this.icons?.address(item.icon)) ?? null,
      mayOpen: item.mayOpen,
      neededTier: item.mayOpen ? null : opensFrom,
      installed: current && { version: versionName(current), sequence: current.sequence, digest: current.digest },
      hasUpdate: current !== null && (await packages.staged(item.id)) !== null,
    };
  }
}
