"""A balancer that watches /ready, and sessions through it: `drill.py SESSIONS PORT:STATUS_PORT ...`.

Each session greets, says some lines with pauses between them, expects each to come back, and leaves; then another one
takes its place. Prints "steady" when all have had their first answer. After SIGTERM the sessions that are open are ended
as they would have been, and what became of all is printed as JSON.
"""

import asyncio
import json
import random
import signal
import sys


class Backend:
    def __init__(self, port, status_port):
        self.port = port
        self.status_port = status_port
        self.is_ready = False

    async def watch(self):
        while True:
            self.is_ready = await self.ask()
            await asyncio.sleep(0.05)

    async def ask(self):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.status_port)
            writer.write(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = await asyncio.wait_for(reader.readline(), 10)
            writer.close()
            return b" 200 " in status
        except (OSError, asyncio.TimeoutError):
            return False


class Drill:
    def __init__(self, backends, count):
        self.backends = backends
        self.count = count
        self.turn = 0
        self.is_over = False
        self.result = {"sessions": 0, "answers": 0, "broken": [], "refused": 0, "without_backend": 0}

    async def balance(self, reader, writer):
        ready = [backend for backend in self.backends if backend.is_ready]
        if not ready:
            self.result["without_backend"] += 1
            writer.close()
            return
        self.turn += 1
        backend = ready[self.turn % len(ready)]
        try:
            upstream = await asyncio.open_connection("127.0.0.1", backend.port)
        except OSError:
            self.result["refused"] += 1
            writer.close()
            return
        await asyncio.gather(self.copy(reader, upstream[1]), self.copy(upstream[0], writer))

    @staticmethod
    async def copy(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def session(self, number, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = 0
        try:
            for line in range(random.randint(5, 30)):
                text = f"SESSION {number} LINE {line}\r\n".encode()
                writer.write(text)
                answer = await asyncio.wait_for(reader.readexactly(len(text)), 60)
                if answer != text:
                    raise ValueError(f"{answer} instead of {text}")
                said += 1
                self.result["answers"] += 1
                await asyncio.sleep(random.uniform(0.02, 0.2))
            self.result["sessions"] += 1
        except (OSError, ValueError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            self.result["broken"].append(f"session {number} after {said} lines: {error!r}")
        writer.close()

    async def client(self, number, port):
        while not self.is_over:
            await self.session(number, port)

    def end(self):
        self.is_over = True

    async def run(self):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.end)
        watches = [asyncio.create_task(backend.watch()) for backend in self.backends]
        while not all(backend.is_ready for backend in self.backends):
            await asyncio.sleep(0.02)
        server = await asyncio.start_server(self.balance, "127.0.0.1", 0, backlog=1024)
        port = server.sockets[0].getsockname()[1]
        clients = [asyncio.create_task(self.client(number, port)) for number in range(self.count)]
        while self.result["answers"] < self.count and not self.result["broken"]:
            await asyncio.sleep(0.02)
        print("steady", flush=True)
        await asyncio.gather(*clients)
        for watch in watches:
            watch.cancel()
        print(json.dumps(self.result), flush=True)


count, *addresses = sys.argv[1:]
asyncio.run(Drill([Backend(*map(int, address.split(":"))) for address in addresses], int(count)).run())
