"""Connects to a relay on 127.0.0.1 once for each pid that it is given, says that it is that process, and stays.

Usage: stranger.py PORT PID...

Prints `claimed` when all is said; then, when every connection has been closed, what it was sent beyond the greeting.
"""

import selectors
import socket
import struct
import sys
import zlib


def frame(pid: int) -> bytes:
    payload = b'{"pid":%d}' % pid
    head = struct.pack("<BBI", 0x13, 1, len(payload))
    return head + struct.pack("<I", zlib.crc32(head)) + b"\0\0" + payload


selector = selectors.DefaultSelector()
received = {}
for text in sys.argv[2:]:
    client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    received[client] = b""
    try:
        client.sendall(frame(int(text)))
    except OSError:
        pass
    selector.register(client, selectors.EVENT_READ)
print("claimed", flush=True)
while selector.get_map():
    for key, _ in selector.select():
        try:
            data = key.fileobj.recv(65536)
        except OSError:
            data = b""
        received[key.fileobj] += data
        if not data:
            selector.unregister(key.fileobj)
for data in received.values():
    # One frame of CONTROL: its head of 12 bytes, and a pid.
    if data and data != data[:12] + data[12:data.index(b"}") + 1]:
        print("sent", data, flush=True)
