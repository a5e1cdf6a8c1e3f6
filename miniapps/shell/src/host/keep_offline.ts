/** Have the shell's own worker keep its pages, so that they open without a network. */
export function keepShellOffline(): void {
  if (!("serviceWorker" in navigator)) return;
  const policy = (globalThis as { trustedTypes?: TrustedTypesLike }).trustedTypes?.createPolicy("sampan-shell", {
    createScriptURL: (address) => {
      if (address !== "/sw.js") throw new TypeError("The shell has one worker.");
      return address;
    },
  });
  const address = (policy?.createScriptURL("/sw.js") ?? "/sw.js") as string;
  navigator.serviceWorker.register(address, { updateViaCache: "none" }).catch(console.error);
}

interface TrustedTypesLike {
  createPolicy(
    name: string,
    rules: { createScriptURL: (text: string) => string },
  ): {
    createScriptURL: (text: string) => unknown;
  };
}
