/** Who is asked about, as somebody types it: an id, the bank's reference, or a phone number. Pure. */

export type Whom = { device: string } | { customer: string };
export type Typed = Whom | { reference: string; phone: string | null };

const DEVICE = /^dev_[0-9a-f]{32}$/;
const CUSTOMER = /^cus_[0-9a-f]{32}$/;
const PHONE = /^\+?\d[\d\s-]{5,19}$/;

/** Returns what the text may name; a number may be a reference and a phone number, and is tried as both. */
export function readWhom(text: string): Typed | null {
  const typed = text.trim();
  if (typed === "") return null;
  if (DEVICE.test(typed)) return { device: typed };
  if (CUSTOMER.test(typed)) return { customer: typed };
  return { reference: typed, phone: PHONE.test(typed) ? typed.replaceAll(/[\s-]/g, "") : null };
}
