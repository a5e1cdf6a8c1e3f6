import type { JSX } from "react";

const PATHS = {
  home: "M4 11.5 12 5l8 6.5V19a1 1 0 0 1-1 1h-4.5v-5h-5v5H5a1 1 0 0 1-1-1z",
  apps: "M5 5h5v5H5zM14 5h5v5h-5zM5 14h5v5H5zM14 14h5v5h-5z",
  inbox: "M4 6h16v12H4zM4 13h4.5l1.5 2.5h4L15.5 13H20",
  me: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.700 1.900 7.500 5.500",
  search: "M11 17a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM15.500 15.500 20 20",
  back: "M14.500 5.500 8 12l6.500 6.500",
  next: "M9.500 5.500 16 12l-6.500 6.500",
  close: "M6 6l12 12M18 6 6 18",
  more: "M5.500 12h.01M12 12h.01M18.500 12h.01",
  lock: "M6.500 11h11v8h-11zM9 11V8a3 3 0 0 1 6 0v3",
  device: "M8 3.500h8a1 1 0 0 1 1 1v15a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1v-15a1 1 0 0 1 1-1ZM11 17.500h2",
  shield: "M12 3.500 19 6v5.500c0 4.200-2.800 7.300-7 9-4.200-1.700-7-4.800-7-9V6zM9 12l2.200 2.200L15.200 10",
  alert: "M12 4 21 19.500H3zM12 10v4.500M12 17h.01",
  code: "M8.500 8 4.500 12l4 4M15.500 8l4 4-4 4M13.500 5.500l-3 13",
  language:
    "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM4 12h16M12 4c2.500 2.600 3.500 5 3.500 8s-1 5.400-3.500 8c-2.500-2.600-3.500-5-3.500-8s1-5.400 3.500-8Z",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10Z",
  large: "M4 18 8.500 6.500 13 18M5.500 14.500h6M14.500 18l3-8 3 8M15.500 15.500h4",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 7.500V12l3 2",
  out: "M14 5H6v14h8M11 12h9M17 9l3 3-3 3",
  flag: "M6 20V4.500h11l-2 4 2 4H6",
  trash: "M5 7h14M10 7V5h4v2M7 7l1 12.500h8L17 7",
  share: "M12 14V4M8.500 7 12 3.700 15.500 7M6 11H5v9h14v-9h-1",
  spark: "M12 4l1.800 5.200L19 11l-5.200 1.800L12 18l-1.800-5.200L5 11l5.200-1.800z",
  check: "M5.500 12.500 10 17l8.500-9.500",
} as const;

export type IconName = keyof typeof PATHS;

/** One of the shell's line icons; it says nothing to a screen reader, the text beside it does. */
export function Icon({ name, size = 22 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg className="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
