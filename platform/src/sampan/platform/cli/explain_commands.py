"""`sampan explain`: why somebody gets which version. One call of the console API a page."""

from typing import Annotated, Any

import typer


def explain(
    context: typer.Context,
    device: Annotated[str | None, typer.Option(help="Id of the device.")] = None,
    customer: Annotated[
        str | None, typer.Option(help="Id or bank reference of the customer, on no device in particular.")
    ] = None,
    app: Annotated[str | None, typer.Option(help="Only this app with its hotfixes, or other deliverable.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as miniapp.")] = None,
    reason: Annotated[
        str, typer.Option(help="Why personal values are to be shown; audited. Else they are hidden.")
    ] = "",
) -> None:
    """Say why a device or a customer gets which version, condition by condition."""
    from sampan.platform.cli.api import current_api
    from sampan.platform.cli.change_text import spoken
    from sampan.platform.cli.explain_text import Speaker

    api = current_api()
    query: dict[str, Any] = {"device": device, "customer": customer, "id": app, "kind": kind, "reason": reason or None}
    found = api.get("/explain", **query)
    while (cursor := found["next_cursor"]) is not None:
        more = api.get("/explain", **query, cursor=cursor)
        found = {**more, "items": found["items"] + more["items"]}
    context.obj.result(found, "\n".join(Speaker(spoken()).lines(found)))
