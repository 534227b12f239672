#!/usr/bin/env python3
"""tls_tunnel.py LISTEN:TARGET...: takes connections in clear on 127.0.0.1 and passes them on encrypted, with a PROXY header.

So clients that speak no TLS try what a server promises over TLS: an end of one side is close_notify there, and the other
way round; a reset is a reset. Says `ready` when it listens. Ends with its parent.
"""
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time

CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE
SIZE = 1 << 16


class Reset(Exception):
    pass


class Tunnel:
    def __init__(self, client, target):
        self.client = client
        self.server = socket.create_connection(("127.0.0.1", target))
        host, port = client.getpeername()
        self.out = b"PROXY TCP4 %s 127.0.0.1 %d %d\r\n" % (host.encode(), port, client.getsockname()[1])
        self.back = b""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = CONTEXT.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.is_open = False
        self.client_ended = self.server_ended = self.told_client = False

    def run(self):
        try:
            with self.client, self.server:
                self.client.setblocking(False)
                self.server.setblocking(False)
                self.step()
                while not (self.client_ended and self.server_ended and not self.out and not self.back):
                    self.turn()
        except (Reset, OSError):
            for end in (self.client, self.server):
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                except OSError:
                    pass
                end.close()

    def turn(self):
        poll = select.poll()
        reads_client = self.is_open and not self.client_ended and not self.out
        poll.register(self.client, (select.POLLIN if reads_client else 0) | (select.POLLOUT if self.back else 0))
        reads_server = not self.server_ended and not self.back
        poll.register(self.server, (select.POLLIN if reads_server else 0) | (select.POLLOUT if self.out else 0))
        for descriptor, events in poll.poll():
            if descriptor == self.client.fileno():
                self.turn_client(events, reads_client)
            else:
                self.turn_server(events, reads_server)
        if self.server_ended and not self.back and not self.told_client:
            self.told_client = True
            self.client.shutdown(socket.SHUT_WR)

    def turn_client(self, events, reads):
        if events & select.POLLERR:
            raise Reset
        if events & select.POLLOUT and self.back:
            self.back = self.back[self.client.send(self.back):]
        if reads and events & (select.POLLIN | select.POLLHUP):
            data = self.client.recv(SIZE)
            if data:
                self.tls.write(data)
            else:
                self.client_ended = True
                try:
                    self.tls.unwrap()
                except ssl.SSLError:
                    pass  # Its close_notify is written, the server's has not come.
            self.out += self.outgoing.read()

    def turn_server(self, events, reads):
        if events & select.POLLERR:
            raise Reset
        if events & select.POLLOUT and self.out:
            self.out = self.out[self.server.send(self.out):]
        if reads and events & (select.POLLIN | select.POLLHUP):
            data = self.server.recv(SIZE)
            if data:
                self.incoming.write(data)
            else:
                self.incoming.write_eof()
            self.step()
            if not data:
                self.server_ended = True

    def step(self):
        try:
            if not self.is_open:
                self.tls.do_handshake()
                self.is_open = True
            while data := self.tls.read(SIZE):
                self.back += data
            self.server_ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.server_ended = True
        self.out += self.outgoing.read()


def listen(port, target):
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        ready.release()
        while True:
            client, _ = listener.accept()
            try:
                tunnel = Tunnel(client, target)
            except OSError:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                continue
            threading.Thread(target=tunnel.run, daemon=True).start()


parent = os.getppid()
ready = threading.Semaphore(0)
pairs = [tuple(map(int, pair.split(":"))) for pair in sys.argv[1:]]
for pair in pairs:
    threading.Thread(target=listen, args=pair, daemon=True).start()
for _ in pairs:
    ready.acquire()
print("ready", flush=True)
while os.getppid() == parent:
    time.sleep(1)
