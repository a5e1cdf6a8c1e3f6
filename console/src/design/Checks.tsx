/**
 * Several of a few, as boxes to tick; a form's value. A group takes no aria-required, so it is not passed on, and no
 * label of the form either, so it has its own.
 */

import { Checkbox } from "antd";
import type { ReactNode } from "react";

export function Checks<T extends string>(props: {
  label: string;
  id?: string;
  "aria-invalid"?: "true";
  "aria-describedby"?: string;
  value?: T[];
  onChange?: (value: T[]) => void;
  options: readonly { value: T; label: ReactNode }[];
  columns?: boolean;
}) {
  const { id, value, onChange, options, columns, label } = props;
  const boxes = options.map((option) => (
    <Checkbox key={option.value} value={option.value}>
      {option.label}
    </Checkbox>
  ));
  return (
    <Checkbox.Group<T>
      {...(id ? { id } : {})}
      role="group"
      aria-label={label}
      aria-invalid={props["aria-invalid"]}
      aria-describedby={props["aria-describedby"]}
      value={value ?? []}
      onChange={(next) => onChange?.(next)}
      style={{ width: "100%" }}
    >
      {columns ? (
        <div className="facts" style={{ gap: 8, width: "100%" }}>
          {boxes}
        </div>
      ) : (
        <div className="row">{boxes}</div>
      )}
    </Checkbox.Group>
  );
}
