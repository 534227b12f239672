"""Runs a command on a terminal of its own and ends it: screen.py HOW COMMAND ARGUMENT...

HOW is "q" or "c", a key that is pressed when two pictures were painted (c: Ctrl-C), or "t", SIGTERM. Prints a line of
JSON: the exit code, whether the terminal is set as it was before, and what was written to it.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios

how, command = sys.argv[1], sys.argv[2:]
main, other = pty.openpty()
fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
before = termios.tcgetattr(other)
pid = os.fork()
if pid == 0:
    os.close(main)
    os.login_tty(other)
    os.environ["TERM"] = "xterm"
    os.execv(command[0], command)
# The terminal is open here, too, so its end is no end of file: the process's end tells.
os.set_blocking(main, False)
written = b""
is_asked = False
ended = 0
while not ended:
    ended, status = os.waitpid(pid, os.WNOHANG)
    select.select([main], [], [], 0.05)
    try:
        written += os.read(main, 65536)
    except BlockingIOError:
        pass
    if written.count(b"\x1b[H") >= 2 and not is_asked:
        is_asked = True
        if how == "t":
            os.kill(pid, signal.SIGTERM)
        else:
            os.write(main, {"q": b"q", "c": b"\x03"}[how])
print(json.dumps({
    "exit": os.waitstatus_to_exitcode(status),
    "restored": termios.tcgetattr(other) == before,
    "written": written.decode(),
}))
