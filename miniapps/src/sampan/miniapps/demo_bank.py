"""The demo's bank: pays and signs in memory, as a bank's own component must: once for each key.

Orders whose name begins with `refuse` are refused, those that begin with `unknown` stay unknown the first time.
"""

import hashlib

from sampan.platform.ports import BankAnswer, BankOrder, BankStatus


class DemoBank:
    """Implements `PayPort` and `SignPort`."""

    def __init__(self) -> None:
        self._done: dict[tuple[str, str, str, str], BankAnswer] = {}
        self._asked: set[tuple[str, str, str, str]] = set()

    async def pay(self, order: BankOrder, *, value_minor: int, currency: str) -> BankAnswer:
        """See `PayPort`."""
        return self._settle(order, BankStatus.PAID, f"{value_minor} {currency}")

    async def sign(self, order: BankOrder, *, digest: str) -> BankAnswer:
        """See `SignPort`."""
        return self._settle(order, BankStatus.SIGNED, digest)

    def _settle(self, order: BankOrder, good: BankStatus, what: str) -> BankAnswer:
        name = (order.workspace_id, order.customer_id, order.app_id, order.key)
        if order.order.startswith("unknown") and name not in self._asked:
            self._asked.add(name)
            return BankAnswer(BankStatus.UNKNOWN, "")
        status = BankStatus.REFUSED if order.order.startswith("refuse") else good
        reference = "demo-" + hashlib.sha256("\n".join((*name, what)).encode()).hexdigest()[:16]
        return self._done.setdefault(name, BankAnswer(status, reference))
