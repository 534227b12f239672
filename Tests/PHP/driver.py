"""A worker on the PHP package, with its relay in the hands of a test: frames as bytes, and what it writes, read by read."""

import json
import os
import pathlib
import queue
import struct
import subprocess
import threading
import zlib

HERE = pathlib.Path(__file__).parent
CONTROL, ERROR = 0x01, 0x40
# A worker that does not do what it should is found sooner by the end of its output; this bounds one that hangs.
PATIENCE = 60


def frame(payload, options=(), flags=0):
    start = struct.pack("<BBI", 0x10 | 3 + len(options), flags, len(payload))
    return start + struct.pack("<IH", zlib.crc32(start), 0) + struct.pack(f"<{len(options)}I", *options) + payload


def event(body=b"", kind="DATA", server="test"):
    context = json.dumps(
        {"remote_addr": "127.0.0.1:1", "server": server, "uuid": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "event": kind}
    ).encode()
    return frame(context + body, [len(context)])


def control(**message):
    return frame(json.dumps(message).encode(), flags=CONTROL)


class Worker:
    """`answers()` are (flags, context, body); `handled` is what it says about itself on standard error."""

    def __init__(self, *options):
        self.gate, gate = os.pipe()[::-1]
        # Descriptor 3 of the worker.
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{gate}', "sh", "php", *options, str(HERE / "worker.php")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, pass_fds=[gate],
            env={**os.environ, "RR_RELAY": "pipes"})
        os.close(gate)
        self.lines = queue.SimpleQueue()
        self.seen = []
        self.buffer = bytearray()
        self.reader = threading.Thread(target=self._read_lines, daemon=True)
        self.reader.start()
        self.timer = threading.Timer(PATIENCE, self.process.kill)
        self.timer.start()
        try:
            self.send(control(pid=1))
            [(flags, _, self.hello)] = self.take(1)
            assert flags == CONTROL, flags
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.timer.cancel()
        self.reader.join()
        os.close(self.gate)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def _read_lines(self):
        for line in self.process.stderr:
            self.lines.put(line.decode().rstrip())
        self.lines.put(None)

    def await_line(self, wanted):
        """Reads what it says until it says this."""
        while (line := self.lines.get(timeout=PATIENCE)) != wanted:
            if line is None:
                raise AssertionError(f"it has ended and never said {wanted!r}: {self.seen}")
            self.seen.append(line)
        self.seen.append(line)

    def open_gate(self):
        os.write(self.gate, b"x")

    def send(self, data):
        while data:
            data = data[os.write(self.process.stdin.fileno(), data):]

    def send_in_background(self, data):
        thread = threading.Thread(target=self.send, args=[data], daemon=True)
        thread.start()
        return thread

    def read(self):
        """One read: what it has written so far, at least a byte; empty at the end."""
        return os.read(self.process.stdout.fileno(), 1 << 20)

    def take(self, count):
        """Reads until there are so many frames, which must be all that there is."""
        frames, self.reads = [], 0
        while len(frames) < count:
            piece = self.read()
            if not piece:
                raise AssertionError(f"it has ended after {frames}; it said {self.end()[1]}")
            self.reads += 1
            self.buffer += piece
            frames += self._parse()
        assert len(frames) == count and not self.buffer, (frames, self.buffer)
        return frames

    def _parse(self):
        offset = 0
        while len(self.buffer) - offset >= 12:
            first, flags, length, crc, zero = struct.unpack_from("<BBIIH", self.buffer, offset)
            assert crc == zlib.crc32(self.buffer[offset:offset + 6]) and zero == 0, self.buffer[offset:offset + 16]
            start = offset + 4 * (first & 15)
            if len(self.buffer) < start + length:
                break
            options = struct.unpack_from(f"<{(first & 15) - 3}I", self.buffer, offset + 12)
            middle = start + (options[0] if options else 0)
            yield flags, bytes(self.buffer[start:middle]), bytes(self.buffer[middle:start + length])
            offset = start + length
        del self.buffer[:offset]

    def end(self):
        """What it still writes, to the end, as frames; what it has said; how it ended."""
        frames = []
        while piece := self.read():
            self.buffer += piece
            frames += self._parse()
        assert not self.buffer, self.buffer
        code = self.process.wait(PATIENCE)
        while (line := self.lines.get(timeout=PATIENCE)) is not None:
            self.seen.append(line)
        self.lines.put(None)
        return frames, self.seen, code

    @property
    def handled(self):
        return [line.removeprefix("handles ") for line in self.seen if line.startswith("handles ")]
