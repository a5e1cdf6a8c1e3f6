import { create } from "qrcode/lib/core/qrcode";
import type { JSX } from "react";

const QUIET = 4; // modules of margin that readers need (ISO/IEC 18004)

/** A text as a QR code: dark on light in every appearance, since readers need it so. */
export default function QrCode({ text, label }: { text: string; label: string }): JSX.Element {
  const { modules } = create(text, { errorCorrectionLevel: "M" });
  const side = modules.size + 2 * QUIET;
  return (
    <svg className="qr-code" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect width={side} height={side} fill="#fff" />
      <path d={drawn(modules.size, modules.data)} fill="#000" />
    </svg>
  );
}

/** One stroke for each run of dark modules in a row. */
function drawn(size: number, data: ArrayLike<number>): string {
  let path = "";
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let end = x;
      while (end < size && data[y * size + end]) end++;
      if (end === x) continue;
      path += `M${x + QUIET} ${y + QUIET}h${end - x}v1h${x - end}z`;
      x = end;
    }
  }
  return path;
}
