"""What devices last said that they are, as people read it: in the list of their own devices, say."""

from collections.abc import Collection, Mapping

from sampan.platform.audience.claims import read_claims
from sampan.platform.component import DeviceModels
from sampan.platform.engines.database import Transaction

MOST_CHARACTERS = 64


async def read_models(tx: Transaction, device_ids: Collection[str]) -> Mapping[str, str]:
    """Return the models of these devices by id; those that never said one are left out.

    A device may say anything: what does not print, or turns the direction of what follows, is left out.
    """
    claims = await read_claims(tx, list(device_ids))
    return {device_id: told for device_id, each in claims.items() if (told := printable(each.model))}


def printable(text: str) -> str:
    """Return a text as it may stand on a page of ours."""
    return "".join(character for character in text if character.isprintable()).strip()[:MOST_CHARACTERS]


MODELS = DeviceModels(read_models)
