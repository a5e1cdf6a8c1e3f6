/** The storage of the browser failed: full, forbidden, or gone. */

export class StoreAway extends Error {
  override readonly name = "StoreAway";
  readonly code: "store_full" | "store_away";

  constructor(cause: DOMException | null) {
    const isFull = cause?.name === "QuotaExceededError";
    super(isFull ? "There is no room left; remove apps that are not used." : "The browser's storage does not answer.", {
      cause,
    });
    this.code = isFull ? "store_full" : "store_away";
  }
}
