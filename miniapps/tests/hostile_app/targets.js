// Where to: replaced before it is packed.
globalThis.TARGETS = { listener: "", shell: "", console: "", parents: [] };
