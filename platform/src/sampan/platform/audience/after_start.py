"""What the audience floor plugs in that no first answer to a device needs."""

CONTRIBUTES: tuple[object, ...] = ()
