"""Sends mails by SMTP, several sessions at once, and checks that each was stored to the byte.

usage: smtp_client.py PORT MAIL_DIRECTORY SESSIONS

Prints one line for each mail, and exits with 1 when one is missing or different.
"""

import concurrent.futures
import json
import pathlib
import random
import smtplib
import sys

SIZES = [0, 1, 2, 1_000, 100_000, 6_000_000]


def body(size: int, seed: int) -> bytes:
    """Lines of many lengths: with dots, with a dot alone, empty ones, 8-bit bytes; no bare CR or LF."""
    random.seed(seed)
    starts = [b"", b".", b"..", b". ", b"text ", "grüße ".encode(), b"\xff\xfe", b"-", b".\t"]
    data = bytearray()
    while len(data) < size:
        data += random.choice(starts)
        filling = random.randbytes(random.choice([0, 0, 3, 70, 900]))
        data += filling.translate(None, b"\r\n\0")
        data += b"\r\n"
    del data[size:]
    if data.endswith(b"\r"):
        data[-1:] = b"x"
    return bytes(data)


def send(server: smtplib.SMTP, mail: bytes) -> tuple[bytes, tuple[int, bytes]]:
    """What was sent, and the answer."""
    if not mail:
        # smtplib makes an empty mail one empty line.
        assert server.docmd("DATA")[0] == 354
        server.send(b".\r\n")
        return mail, server.getreply()
    # It ends the last line when the mail does not.
    return mail if mail.endswith(b"\r\n") else mail + b"\r\n", server.data(mail)


def session(port: int, directory: pathlib.Path, number: int) -> list[str]:
    lines = []
    with smtplib.SMTP("127.0.0.1", port, local_hostname=f"client{number}", timeout=60) as server:
        for size in SIZES:
            mail = body(size, seed=number * 1000 + size % 1000)
            server.ehlo_or_helo_if_needed()
            assert server.mail(f"from{number}@example.org", ["BODY=8BITMIME", f"size={size}"])[0] == 250
            assert server.rcpt(f"to{number}@example.org")[0] == 250
            sent, (code, answer) = send(server, mail)
            assert code == 250, (code, answer)
            name = answer.decode().rsplit(" ", 1)[-1]
            stored = (directory / "new" / f"{name}.eml").read_bytes()
            envelope = json.loads((directory / "envelopes" / f"{name}.json").read_text())
            right = stored == sent and envelope["from"] == f"from{number}@example.org"
            lines.append(f"{'ok' if right else 'DIFFERENT'} session {number}, {size} bytes, {len(stored)} stored")
    return lines


def main() -> int:
    port, directory, sessions = int(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    with concurrent.futures.ThreadPoolExecutor(sessions) as executor:
        futures = [executor.submit(session, port, directory, number) for number in range(sessions)]
        lines = [line for future in futures for line in future.result()]
    print("\n".join(lines))
    return 0 if len(lines) == sessions * len(SIZES) and all(line.startswith("ok") for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
