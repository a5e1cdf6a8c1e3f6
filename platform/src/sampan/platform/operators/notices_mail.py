"""E-mail: the port, and its implementation by SMTP, for which the standard library's client runs in a thread.

The client is loaded with the first message: most servers start without sending one.
"""

import asyncio
import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from email.message import EmailMessage

    from sampan.platform.core import Core
    from sampan.platform.settings import Settings

TIMEOUT_SECONDS = 20.0
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class MailPort(Protocol):
    """Sends e-mail to operators."""

    @property
    def is_ready(self) -> bool:
        """Whether it was set up; nothing is queued otherwise."""

    async def send(self, *, to: str, subject: str, text: str, message_id: str) -> None:
        """Hand the message to the mail server; raise OSError when it was not accepted."""


class SmtpMail:
    """Sends by the server of the settings `smtp_*`."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings

    @property
    def is_ready(self) -> bool:
        """Whether a server is set."""
        return bool(self._settings.smtp_host)

    async def send(self, *, to: str, subject: str, text: str, message_id: str) -> None:
        """See `MailPort.send`."""
        import smtplib
        from email.message import EmailMessage

        message = EmailMessage()
        message["From"] = self._settings.smtp_from
        message["To"] = to
        message["Subject"] = CONTROL.sub(" ", subject)[:200]
        message["Message-ID"] = f"<{message_id}@{self._settings.smtp_from.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
        message.set_content(text)
        try:
            await asyncio.to_thread(self._send, message)
        except smtplib.SMTPException as problem:
            raise OSError(f"The mail server refused: {type(problem).__name__}.") from problem

    def _send(self, message: "EmailMessage") -> None:
        import smtplib
        import ssl

        settings = self._settings
        tls = ssl.create_default_context() if settings.smtp_tls != "none" else None
        if settings.smtp_tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS, context=tls
            )
        else:
            server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS)
        with server:
            if settings.smtp_tls == "starttls":
                server.starttls(context=tls)
            if settings.smtp_user and settings.smtp_password is not None:
                server.login(settings.smtp_user, settings.smtp_password.text)
            server.send_message(message)


def build_mail(core: "Core") -> SmtpMail:
    """Return the implementation by SMTP."""
    return SmtpMail(core.settings)
