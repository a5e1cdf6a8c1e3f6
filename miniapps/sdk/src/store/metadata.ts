/** The verifier's files in a store. */

import type { MetadataStore } from "../trust/ports";
import type { Store } from "./store";

export const metadataStore = (store: Store, prefix = "trust/"): MetadataStore => ({
  get: async (name) => {
    const found = await store.get(prefix + name);
    return found instanceof Uint8Array ? found : null;
  },
  put: (name, value) => store.write([{ key: prefix + name, value }]),
});
