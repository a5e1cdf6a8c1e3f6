"""What mini-apps keep of a customer, and what becomes of it when the customer is erased."""

from sampan.miniapps import app_reports, bank_calls, consents, login_codes
from sampan.platform.component import Forgets
from sampan.platform.engines.database import Transaction


async def forget(tx: Transaction, customer_id: str, subject: int) -> None:
    """Remove consents and sign-in codes; reports and orders stay, without words and references."""
    await consents.withdraw_all(tx, subject)
    await login_codes.drop_codes(tx, customer_id)
    await app_reports.make_nameless(tx, subject)
    await bank_calls.make_nameless(tx, customer_id)


FORGETS = Forgets("miniapps", forget)
