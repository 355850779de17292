"""Types into an interactive shell on a terminal of its own, and reads what appears there.

terminal.py STEP...: each STEP is "> TEXT", which is typed (with \\n, \\x04 for Ctrl-D, \\x1a for Ctrl-Z), or "< PATTERN", a regular
expression that must appear after what earlier steps found. Writes all that appeared. The status is 0 if every pattern appeared.
"""
import os
import pty
import re
import select
import signal
import sys
import time

PATIENCE = 60  # Seconds for each pattern.


def main(steps):
    child, terminal = pty.fork()
    if child == 0:
        os.environ["PS1"] = "prompt> "
        os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
    seen, found, ended = "", 0, False
    try:
        for step in steps:
            kind, text = step[0], step[2:]
            if kind == ">":
                os.write(terminal, text.encode().decode("unicode_escape").encode("latin-1"))
                continue
            deadline = time.monotonic() + PATIENCE
            while not (match := re.compile(text, re.MULTILINE).search(seen, found)):
                left = deadline - time.monotonic()
                if ended or left <= 0:
                    print(f"{seen}\n[{text} did not appear after position {found}]")
                    return 1
                if select.select([terminal], [], [], left)[0]:
                    try:
                        piece = os.read(terminal, 65536)
                    except OSError:  # EIO: nothing has the terminal open any more.
                        piece = b""
                    ended = not piece
                    seen += piece.decode(errors="replace").replace("\r\n", "\n")
            found = match.end()
        print(seen)
        return 0
    finally:
        # Closes the terminal: the kernel sends SIGHUP to the shell and to its jobs.
        os.close(terminal)
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(child, 0)


sys.exit(main(sys.argv[1:]))
