/** A dialog: the focus goes to its first field, stays within, and returns to what opened it; Escape closes it. */

import { Modal } from "antd";
import { type ReactNode, useEffect, useRef } from "react";
import { focusFirst } from "../app/focus";

export function Dialog(props: {
  isOpen: boolean;
  title: ReactNode;
  width?: number;
  zIndex?: number;
  /** Without it the dialog closes only when its work is done. */
  onClose?: () => void;
  children: ReactNode;
}) {
  const { isOpen, title, width = 540, zIndex, onClose, children } = props;
  return (
    <Modal
      open={isOpen}
      title={title}
      footer={null}
      width={width}
      {...(zIndex === undefined ? {} : { zIndex })}
      {...(onClose ? { onCancel: onClose } : { closable: false, keyboard: false, mask: { closable: false } })}
      destroyOnHidden
    >
      <TakesFocus>{children}</TakesFocus>
    </Modal>
  );
}

/** What stands in a dialog or a drawer: takes the focus as soon as it is seen, else that goes to the button that closes. */
export function TakesFocus({ children }: { children: ReactNode }) {
  const node = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const frame = requestAnimationFrame(() => node.current && focusFirst(node.current));
    return () => cancelAnimationFrame(frame);
  }, []);
  return (
    <div className="stack" ref={node}>
      {children}
    </div>
  );
}
