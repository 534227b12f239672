#!/usr/bin/env python3
"""A client that speaks TLS, for the tests of the edge: tls_client.py PORT DIRECTORY SCENARIO,… [ARGUMENT]

The directory has the certificates. Each scenario ends without an error, or with one.
"""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

PORT, DIRECTORY, SCENARIOS = int(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
ARGUMENT = sys.argv[4] if len(sys.argv) > 4 else None
TIMEOUT = 30


def file(name):
    return os.path.join(DIRECTORY, name)


def context(authority="ca", certificate=None, **options):
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    result.load_verify_locations(file(authority + ".crt"))
    if certificate:
        result.load_cert_chain(file(certificate + ".crt"), file(certificate + ".key"))
    for name, value in options.items():
        setattr(result, name, value)
    return result


def plain():
    return socket.create_connection(("127.0.0.1", PORT), timeout=TIMEOUT)


def connect(name="localhost", **options):
    return context(**options).wrap_socket(plain(), server_hostname=name)


def line(client):
    text = b""
    while not text.endswith(b"\r\n"):
        more = client.recv(1)
        assert more, f"the connection ended after {text}"
        text += more
    return text.decode().rstrip("\r\n")


def ask(client, text):
    client.sendall(text.encode() + b"\r\n")
    return line(client)


def refused(reason, connecting):
    """The handshake, or with TLS 1.3 the first byte after it, fails for the reason."""
    try:
        client = connecting()
        client.sendall(b"hello\r\n")
        client.recv(1)
    except (ssl.SSLError, ConnectionError) as error:
        assert reason in str(error), error
    else:
        assert False, "the client was let in"


def openssl(*arguments, sends="hello\r\n"):
    process = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{PORT}", "-CAfile", file("ca.crt"), "-ign_eof", *arguments],
        input=sends, capture_output=True, text=True, timeout=TIMEOUT)
    return process.stdout + process.stderr


def versions():
    for option, version in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")]:
        text = openssl(option, "-servername", "localhost", "-brief", sends="writeclose bye\r\n")
        assert f"Protocol version: {version}" in text and "Verification: OK" in text and "bye" in text, text
    text = openssl("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert "alert protocol version" in text, text


def names():
    def common_name(client):
        return dict(pair[0] for pair in client.getpeercert()["subject"])["commonName"]

    # Its alert, which TLS 1.3 of OpenSSL sends in clear.
    for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
        stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        stranger.maximum_version = version
        refused("certificate verify failed", lambda: stranger.wrap_socket(plain(), server_hostname="localhost"))
    assert common_name(connect("localhost")) == "server"
    assert common_name(connect("other.example")) == "other"
    refused("unrecognized name", lambda: connect("nobody.example"))
    client = connect("other.example")
    assert client.version() == "TLSv1.3" and client.selected_alpn_protocol() is None
    known = context()
    known.set_alpn_protocols(["x", "smtp"])
    client = known.wrap_socket(plain(), server_hostname="localhost")
    assert client.selected_alpn_protocol() == "smtp"
    text = ask(client, "inspect")
    assert f'cipher\\":\\"{client.cipher()[0]}\\"' in text, text
    print(text)
    older = context(maximum_version=ssl.TLSVersion.TLSv1_2)
    older.set_ciphers("ECDHE+CHACHA20")
    text = ask(older.wrap_socket(plain(), server_hostname="localhost"), "inspect")
    assert re.search(r'cipher\\":\\"TLS_ECDHE_(RSA|ECDSA)_WITH_CHACHA20_POLY1305_SHA256\\"', text), text


def clients():
    print(ask(connect(certificate="device"), "inspect"))
    for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
        options = {"maximum_version": version}
        assert ask(connect(certificate="device", **options), "hello") == "hello"
        refused("certificate required" if version == ssl.TLSVersion.TLSv1_3 else "", lambda: connect(**options))
        for certificate in ["expired", "stranger", "self", "purpose"]:
            refused("", lambda: connect(certificate=certificate, **options))


def foreign():
    client = plain()
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.recv(1) == b""
    client = plain()
    client.sendall(os.urandom(1).replace(b"\x16", b"\x17") + os.urandom(500))
    assert ended(client)
    client = plain()
    client.sendall(bytes([22, 3, 1, 1, 0]) + bytes(256))
    assert ended(client)
    # A broken hello inside a proper record: the library's own alert, and the end.
    client = plain()
    client.sendall(bytes([22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3]))
    assert ended(client)


def ended(client):
    try:
        while client.recv(1000):
            pass
    except (ConnectionError, ssl.SSLError):
        pass
    return True


def slow():
    """Nothing, half a hello, a byte now and then: each ends by the handshake's time."""
    silent, half, drip = plain(), plain(), plain()
    half.sendall(bytes([22, 3, 1, 0, 200, 1, 0]))
    drip.settimeout(0.1)
    hello = bytes([22, 3, 1, 1, 0, 1, 0, 0, 252]) + bytes(1000)
    for index in range(TIMEOUT * 10):
        try:
            drip.sendall(hello[index : index + 1])
            if not drip.recv(1):
                break
        except socket.timeout:
            pass
        except ConnectionError:
            break
    else:
        assert False, "a byte now and then goes on for ever"
    assert ended(silent) and ended(half)


def promises():
    # A packet of 32 MB each way.
    client = connect()
    packet = b"echo " + os.urandom(1 << 24).hex().encode()[:-2] + b"\r\n"
    client.sendall(packet)
    answer = bytearray()
    while len(answer) < len(packet):
        answer += client.recv(1 << 20)
    assert answer == packet


def half_close(packets=b"first\r\nthe rest"):
    """What was sent before close_notify is answered, and the server's own close_notify follows."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    client = plain()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)

    def drive(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                client.sendall(outgoing.read())
                data = client.recv(1 << 16)
                incoming.write(data) if data else incoming.write_eof()

    drive(tls.do_handshake)
    tls.write(packets)
    try:
        tls.unwrap()
    except ssl.SSLWantReadError:
        pass  # Its close_notify is ready to be sent, the server's has not come.
    client.sendall(outgoing.read())
    received = bytearray()
    try:
        while data := drive(lambda: tls.read(1 << 16)):
            received += data
    except ssl.SSLZeroReturnError:
        pass
    assert received == packets, len(received)


def half_close_large():
    """The answer takes its time: the server must not end its side before all of it is written."""
    half_close(b"echo " + bytes(12 << 20) + b"\r\n")


def truncated():
    """A client that ends its side without close_notify is answered as well."""
    client = connect()
    assert ask(client, "hello") == "hello"
    client.sendall(b"last\r\n")
    socket.socket.shutdown(client, socket.SHUT_WR)
    assert line(client) == "last"
    assert client.recv(10) == b"", "close_notify is missing"


def close_notify():
    """suppress_ragged_eofs=False: an end without close_notify is an error."""
    client = context().wrap_socket(plain(), server_hostname="localhost", suppress_ragged_eofs=False)
    client.sendall(b"writeclose bye\r\n")
    assert line(client) == "bye"
    assert client.recv(10) == b""


def hold():
    """A session and a half-open handshake, until the server ends them; says so when they are there."""
    client, half = connect(), plain()
    assert ask(client, "hello") == "hello"
    half.sendall(bytes([22, 3, 1, 0, 200, 1]))
    print("held", flush=True)
    assert client.recv(10) == b""
    assert ended(half)


def long():
    """A session that goes on when a file is there."""
    client = connect()
    assert ask(client, "hello") == "hello"
    print("held", flush=True)
    while not os.path.exists(ARGUMENT):
        time.sleep(0.01)
    assert ask(client, "still there") == "still there"


def big():
    """Wants a large answer and does not read it."""
    client = plain()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client = context().wrap_socket(client, server_hostname="localhost")
    client.sendall(f"big {ARGUMENT}\r\n".encode())
    print("asked", flush=True)
    signal.pause()


def swap():
    """Handshakes under a certificate that changes all the time; tells the names that were seen."""
    seen, end = set(), time.monotonic() + float(ARGUMENT)
    count = 0
    while time.monotonic() < end:
        client = connect()
        seen.add(client.getpeercert()["serialNumber"])
        count += 1
        client.close()
    print(count, *sorted(seen))


def starttls():
    client = plain()
    print(ask(client, "inspect"))
    client.sendall(b"context STARTTLS go ahead\r\n")
    assert client.recv(100) == b"go ahead"
    client = context().wrap_socket(client, server_hostname="localhost")
    print(ask(client, "inspect"))
    # Not again.
    client.sendall(b"context STARTTLS again\r\n")
    assert ended(client)


def injection():
    client = plain()
    client.sendall(b"context STARTTLS go ahead\r\nwrite evil\r\n")
    assert ended(client)
    # What comes later in clear is no handshake.
    client = plain()
    client.sendall(b"context STARTTLS go ahead\r\n")
    assert client.recv(100) == b"go ahead"
    client.sendall(b"write evil\r\n")
    assert ended(client)
    # Who leaves in place of a handshake is no health check.
    client = plain()
    client.sendall(b"context STARTTLS go ahead\r\n")
    assert client.recv(100) == b"go ahead"
    client.close()


def smtp():
    import smtplib
    client = smtplib.SMTP("127.0.0.1", PORT, timeout=TIMEOUT, local_hostname="test")
    assert client.ehlo()[0] == 250 and client.has_extn("starttls"), client.esmtp_features
    client._host = "localhost"
    assert client.starttls(context=context())[0] == 220
    assert client.ehlo()[0] == 250 and not client.has_extn("starttls")
    client.sendmail("a@example.org", ["b@example.org"], "Subject: hi\r\n\r\nencrypted\r\n")
    client.quit()


for scenario in SCENARIOS:
    globals()[scenario]()
