"""A mail server that keeps what it was sent, and may say no (RFC 5321, RFC 4954)."""

import asyncio
import email
from contextlib import asynccontextmanager
from email.policy import default


class MailServer:
    """Takes mail.

    Args:
        auth, recipient, data: the replies to AUTH, RCPT TO and the mail itself.
    """

    def __init__(
        self, *, auth="235 2.7.0 welcome", recipient="250 2.1.5 ok", data="250 2.0.0 ok"
    ) -> None:
        self._replies = {"AUTH": auth, "RCPT": recipient}
        self._data = data
        self.mails = []
        self.recipients = []

    @asynccontextmanager
    async def open(self):
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _talk(self, reader, writer):
        writer.write(b"220 mail.example.org ESMTP\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.split()[0].upper()
            if verb == "EHLO":
                reply = "250-mail.example.org\r\n250 AUTH PLAIN"
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                mail = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(email.message_from_bytes(mail[:-3], policy=default))
                reply = self._data
            else:
                reply = self._replies.get(verb, "250 2.0.0 ok")
                if verb == "RCPT":
                    self.recipients.append(line.partition(":")[2])
            writer.write(reply.encode() + b"\r\n")
            if verb == "QUIT":
                break
        writer.close()
