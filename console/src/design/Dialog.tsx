/** A dialog: the focus goes to its first field, stays within, and returns to what opened it; Escape closes it. */

import { Drawer, Modal } from "antd";
import { type ReactNode, useEffect, useRef } from "react";
import { useEscape } from "../app/escape";
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
  useEscape(isOpen, onClose);
  return (
    <Modal
      open={isOpen}
      title={title}
      footer={null}
      width={width}
      {...(zIndex === undefined ? {} : { zIndex })}
      keyboard={false}
      {...(onClose ? { onCancel: onClose } : { closable: false, mask: { closable: false } })}
      destroyOnHidden
    >
      <TakesFocus>{children}</TakesFocus>
    </Modal>
  );
}

/** A sheet at the side of the page; Escape closes it. */
export function SideSheet(props: {
  isOpen: boolean;
  title: ReactNode;
  size: number;
  onClose: () => void;
  children: ReactNode;
}) {
  const { isOpen, title, size, onClose, children } = props;
  useEscape(isOpen, onClose);
  return (
    <Drawer open={isOpen} onClose={onClose} title={title} size={size} keyboard={false} destroyOnHidden>
      {children}
    </Drawer>
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
