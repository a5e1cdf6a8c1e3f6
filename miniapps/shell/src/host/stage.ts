import type { ShellUi } from "@sampan/sdk";
import { go } from "../route";

/** The places of running apps: one for each, the one in front visible, none ever moved. */
export class Stage implements Pick<ShellUi, "mount" | "unmount" | "title"> {
  private element: HTMLElement | null = null;
  private readonly places = new Map<string, HTMLElement>();

  /** `opened` hears of apps that other apps open. */
  constructor(private readonly opened: (app: string) => void) {}

  at(element: HTMLElement): void {
    this.element = element;
    for (const place of this.places.values()) element.append(place);
  }

  mount(app: string): HTMLElement {
    const place = this.place(app);
    this.opened(app);
    return place;
  }

  /** A place that no page follows by itself: a trial has a page of its own. */
  place(app: string): HTMLElement {
    const place = document.createElement("div");
    place.className = "app-place";
    this.places.set(app, place);
    this.element?.append(place);
    return place;
  }

  unmount(app: string): void {
    this.places.get(app)?.remove();
    this.places.delete(app);
  }

  title(_app: string, title: string): void {
    document.title = title;
  }

  /** Show one app's place, or none. */
  show(app: string | null): void {
    for (const [name, place] of this.places) place.hidden = name !== app;
  }
}

/** Show the page of an app, unless it is in front already. */
export function goToApp(app: string): void {
  if (decodeURIComponent(location.hash) !== `#/app/${app}`) go(`app/${app}`);
}
