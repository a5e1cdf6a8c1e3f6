/** The part of `qrcode` that works a code out and draws nothing. */
declare module "qrcode/lib/core/qrcode" {
  export function create(
    text: string,
    options: { errorCorrectionLevel: "L" | "M" | "Q" | "H" },
  ): { modules: { size: number; data: Uint8Array } };
}
