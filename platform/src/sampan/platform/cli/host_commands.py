"""Commands of whoever runs the server, on its own machine and folder: init, doctor, rescue, audit."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.chosen_settings import settings_from
from sampan.platform.cli.output import ExitCode
from sampan.platform.cli.server_commands import Data

if TYPE_CHECKING:
    from sampan.platform.component import Finding
    from sampan.platform.core import Core
    from sampan.platform.operators.first_people import Credentials

audit = typer.Typer(help="The audit chain: verify it, export it.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command()(init)
    root.command()(doctor)
    root.command()(rescue)
    root.add_typer(audit, name="audit")


def init(
    context: typer.Context,
    workspace: Annotated[str, typer.Argument(help="Id of the workspace: lower-case letters, digits, hyphens.")],
    admin: Annotated[list[str], typer.Option(help="E-mail of an administrator; give exactly two.")],
    name: Annotated[str, typer.Option(help="Name of the workspace for people.")] = "",
    data: Data = None,
) -> None:
    """Make a workspace with its keys and two administrators, whose first passwords are shown once."""
    import asyncio

    if len(admin) != 2:
        raise typer.BadParameter("give --admin twice: no single person may make production riskier", param_hint="admin")

    async def run() -> "list[Credentials]":
        from sampan.platform.operators.first_people import create_first_admins
        from sampan.platform.serving import offline_core
        from sampan.platform.workspaces.service import create_workspace

        async with offline_core(settings_from(data=data)) as core:
            await create_workspace(core, workspace, name or workspace)
            return await create_first_admins(core, workspace, [(email, email.split("@")[0]) for email in admin])

    made = asyncio.run(run())
    people = [
        {"email": each.email, "password": each.password, "totp": each.totp_base32, "totp_uri": each.totp_uri}
        for each in made
    ]
    lines = [f"{each['email']}\n  password {each['password']}\n  TOTP     {each['totp_uri']}" for each in people]
    text = "\n".join([f"Workspace {workspace} is ready. Hand these over and forget them:", *lines])
    context.obj.result({"workspace": workspace, "admins": people}, text)


def doctor(
    context: typer.Context,
    data: Data = None,
    demo: Annotated[bool, typer.Option("--demo", help="Look at a demo; --data is the whole demo's folder.")] = False,
) -> None:
    """Look at a deployment, also while its server runs; every finding says what to do. Exit status 6: an error."""
    import asyncio

    if demo:
        from sampan.platform.cli.demo_folder import DemoFolder

        data = DemoFolder.chosen(data).server
    settings = settings_from(data=data, demo=demo or None)

    async def run() -> "list[Finding]":
        from sampan.platform.app import open_core
        from sampan.platform.doctor import look, look_at_folder

        found = list(look_at_folder(settings))
        if any(finding.code in ("no_data", "schema_not_current") for finding in found):
            return found
        async with open_core(settings, is_guest=True) as core:
            await core.replica.poll()
            return [*found, *await look(core)]

    findings = asyncio.run(run())
    text = "\n".join(f"{each.severity}: {each.sentence} ({each.code})\n  {each.remedy}" for each in findings)
    shown = [
        {"code": each.code, "severity": each.severity, "sentence": each.sentence, "remedy": each.remedy}
        for each in findings
    ]
    context.obj.result({"findings": shown}, text or "Nothing to mend.")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(ExitCode.FINDINGS)


def rescue(
    context: typer.Context,
    workspace: Annotated[str, typer.Argument(help="Id of the workspace.")],
    email: Annotated[str, typer.Argument(help="E-mail of the operator to be reset and enabled.")],
    data: Data = None,
) -> None:
    """Reset an operator when no second administrator is left to approve it; stop the server first. Audited."""
    import asyncio

    async def run() -> str:
        from sampan.platform.operators.first_people import rescue_by_email
        from sampan.platform.serving import offline_core

        async with offline_core(settings_from(data=data)) as core:
            return (await rescue_by_email(core, workspace, email)).secret

    link = asyncio.run(run())
    text = f"Start the server, then let {email} run:\n  sampan setup {link}"
    context.obj.result({"email": email, "link": link}, text)


@audit.command("verify")
def verify_audit(
    context: typer.Context,
    workspace: str,
    exported: Annotated[Path | None, typer.Option(help="Folder of exported files: witnesses of a cut tail.")] = None,
    data: Data = None,
) -> None:
    """Find any edited, removed, reordered or cut row. Exit status 6 when there is one."""
    import asyncio

    async def run() -> Any:
        from sampan.platform.app import open_core
        from sampan.platform.operators.audit_export import verify_with_files
        from sampan.platform.operators.audit_reading import verify

        async with open_core(settings_from(data=data), is_guest=True) as core:
            await _refuse_unknown(core, workspace)
            if exported is None:
                return await verify(core, workspace)
            return await verify_with_files(core, workspace, exported)

    found = asyncio.run(run())
    problems = [{"n": each.n, "problem": each.sentence} for each in found.problems]
    good = f"{found.head.n} rows, unbroken; the last hash is {found.head.hash}."
    text = good if found.is_intact else "\n".join(f"row {each['n']}: {each['problem']}" for each in problems)
    context.obj.result({"rows": found.head.n, "head": found.head.hash, "problems": problems}, text)
    if not found.is_intact:
        raise typer.Exit(ExitCode.FINDINGS)


@audit.command("export")
def export_audit(context: typer.Context, workspace: str, folder: Path, data: Data = None) -> None:
    """Append the rows since the last export to files in a folder; keep that folder elsewhere, write-once."""
    import asyncio

    async def run() -> list[Path]:
        from sampan.platform.app import open_core
        from sampan.platform.operators.audit_export import export

        async with open_core(settings_from(data=data), is_guest=True) as core:
            await _refuse_unknown(core, workspace)
            return await export(core, workspace, folder)

    files = asyncio.run(run())
    text = "\n".join(str(path) for path in files) or "Nothing new to export."
    context.obj.result({"files": [str(path) for path in files]}, text)


async def _refuse_unknown(core: "Core", workspace: str) -> None:
    """Raise `UnknownWorkspace`: an empty chain of a workspace that does not exist would look unbroken."""
    from sampan.platform.workspaces.replica import UnknownWorkspace
    from sampan.platform.workspaces.service import list_workspaces

    known = [each.id for each in await list_workspaces(core)]
    if workspace not in known:
        raise UnknownWorkspace(f"There is no workspace {workspace!r} in this folder; there is: {', '.join(known)}.")
