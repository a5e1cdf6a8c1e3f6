"""What the demo prints at the end: addresses, who signs in how, and what to try next."""

from urllib.parse import urlsplit

from sampan.platform.cli.chosen_settings import settings_from
from sampan.platform.cli.demo_folder import CUSTOMERS, WORKSPACE, DemoFolder


def summary(folder: DemoFolder, address: str, *, is_running: bool = True) -> str:
    """Return the text for people; it says only what exists."""
    where = "" if folder.root.as_posix() == ".data/demo" else f" --data {folder.root}"
    people = folder.cast()
    width = max(len(each.email) for each in people)
    base, port = settings_from().base_host, urlsplit(address).port
    lines = [
        "",
        f"The demo bank is ready on {address} (workspace {WORKSPACE})."
        if is_running
        else f"No server answers on {address} now: start the demo with `sampan up --demo`. Once it runs:",
        f"  super-app     http://{WORKSPACE}.{base}:{port}/",
        f"  console       http://console.{base}:{port}/console/  (or {address}/console/)",
        f"  console API   {address}/console/api/v1/openapi.json",
        f"  trust trees   {address}/trust/{WORKSPACE}/intl/metadata/timestamp.json (and trial)",
        f"  health        {address}/readyz   {address}/metrics",
        "",
        "People (e-mail, role, password, TOTP secret for an authenticator app):",
        *(f"  {each.email:<{width}}  {each.role:<17}  {each.password}  {each.totp}" for each in people),
        f"  A current code: sampan demo code EMAIL{where}",
        "",
        "Customers (phone, tier); one-time codes of the demo are shown at /client/v1/demo/codes:",
        *(f"  {phone}  {tier:<11}  {name}" for _, tier, phone, name in CUSTOMERS),
        "  A new device is registered at most, whoever signs in: rise there by Me, Become: ... in the super-app.",
        "",
        "Try next, in another terminal (first `. .venv/bin/activate`, where sampan was started by ./dev):",
        f"  sampan login --server {address} --email reviewer@demo.example",
        "  sampan review list",
        f"  sampan demo token --tier full{where}",
        "  sampan new .data/my-app --id bank.demo.hello --name Hello && sampan check .data/my-app",
        "",
        f"Keys of officers and the publisher, and these sign-ins, lie below {folder.root}; the server has only",
        f"{folder.server}. Stop it with Ctrl-C; starting again finds everything there.",
    ]
    return "\n".join(lines)
