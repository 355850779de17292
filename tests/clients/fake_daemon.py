#!/usr/bin/env python3
"""A daemon that does with one connection what a case says, also what a real daemon never does. README.md has the steps.

    fake_daemon.py SOCKET CASE    serves the named case of cases.json once, for an author who looks for a fault in a client
"""

import array
import base64
import errno
import fcntl
import hashlib
import json
import os
import select
import socket
import sys
import termios
import time

STDOUT, STDERR, END = 1, 2, 16
MAX_LINE = 64 * 1024
CHUNK = 256 * 1024

# How long one step may wait for the client.
DEADLINE = 30.0


class Problem(Exception):
    """The client did not do what the step expects."""


class Gone(Exception):
    """The client closed the connection while the fake daemon sent; many cases expect that."""


def pieces_of(content):
    """Yields the bytes that a case describes, in pieces."""
    if "text" in content:
        yield content["text"].encode()
    elif "base64" in content:
        yield base64.b64decode(content["base64"], validate=True)
    elif "parts" in content:
        for part in content["parts"]:
            yield from pieces_of(part)
    else:
        unit = content["pattern"].encode()
        block = unit * max(1, CHUNK // len(unit))
        left = content["bytes"]
        while left > 0:
            piece = block[:left]
            yield piece
            left -= len(piece)


def digest_of(content):
    """Returns the length and the SHA-256 of the bytes that a case describes."""
    digest, length = hashlib.sha256(), 0
    for piece in pieces_of(content):
        digest.update(piece)
        length += len(piece)
    return length, digest.hexdigest()


def header(kind, length):
    """Returns the header of a frame, also one that the protocol forbids."""
    return bytes([kind, 0, 0, 0]) + length.to_bytes(4, "big")


def replies_of(step):
    """Yields the bytes that a step sends, in pieces; nothing for a step that sends nothing."""
    if "out" in step or "err" in step:
        kind, content = (STDOUT, step["out"]) if "out" in step else (STDERR, step["err"])
        length, _ = digest_of(content)
        yield header(kind, length)
        yield from pieces_of(content)
    elif "flood" in step:
        frame = header(step["flood"], step["frame"]) + b"x" * step["frame"]
        for _ in range(step["bytes"] // step["frame"] if step["frame"] else step["bytes"]):
            yield frame
    elif "end" in step:
        end = step["end"]
        record = end.encode() if isinstance(end, str) else json.dumps(end, ensure_ascii=False).encode()
        yield header(END, len(record)) + record
    elif "header" in step:
        yield header(*step["header"])
    elif "send" in step:
        yield from pieces_of(step["send"])


def reply_length(script):
    """Returns the number of bytes that a script sends."""
    return sum(len(piece) for step in script for piece in replies_of(step))


class Connection:
    """One connection of a client, and the steps that are done with it."""

    def __init__(self, connected, pieces=None, limit=None):
        self.socket = connected
        self.socket.settimeout(DEADLINE)
        self.pieces = pieces
        self.left = limit

    def play(self, script):
        """Does the steps in turn."""
        for step in script:
            if "request" in step:
                self.expect_request(step["request"])
            elif "input" in step:
                self.expect_input(step["input"])
            elif "nothing" in step:
                self.expect_nothing()
            elif "read" in step:
                self.read(step["read"])
            elif "pause" in step:
                time.sleep(step["pause"])
            elif "gone" in step or "open" in step:
                self.wait_until_gone()
            elif "reset" in step:
                self.wait_for(select.POLLIN)
                return
            else:
                for piece in replies_of(step):
                    if not self.send(piece):
                        return

    def expect_request(self, expected):
        line = b""
        while not line.endswith(b"\n"):
            # What follows the line is input, which stays in the queue of the socket.
            ahead = self.receive(CHUNK, socket.MSG_PEEK)
            if not ahead:
                raise Problem(f"the client closed the connection after {len(line)} bytes of its request")
            line += self.receive(ahead.find(b"\n") + 1 or len(ahead))
            if len(line) > MAX_LINE + CHUNK:
                raise Problem("the request has no line feed")
        line = line[:-1]
        if len(line) >= MAX_LINE:
            raise Problem(f"the request has {len(line) + 1} bytes, at most {MAX_LINE} are allowed")
        request = json.loads(line.decode(), object_pairs_hook=unique)
        if request.pop("reply", None) != "frames":
            raise Problem(f"the request does not ask for frames: {line[:200]!r}")
        if expected is not None and not same(expected, request):
            raise Problem(f"the request is {json.dumps(request)[:400]}, expected is {json.dumps(expected)[:400]}")

    def expect_input(self, expected):
        digest, length = hashlib.sha256(), 0
        while piece := self.receive():
            digest.update(piece)
            length += len(piece)
        if expected is not None and (length, digest.hexdigest()) != digest_of(expected):
            raise Problem(f"the input has {length} bytes that are not the expected {digest_of(expected)[0]} bytes")

    def expect_nothing(self):
        if piece := self.receive():
            raise Problem(f"the client sent {piece[:200]!r}")

    def read(self, count):
        while count > 0:
            piece = self.receive(count)
            if not piece:
                raise Problem(f"the input ended {count} bytes too early")
            count -= len(piece)

    def receive(self, most=CHUNK, flags=0):
        try:
            return self.socket.recv(most, flags)
        except ConnectionResetError:
            return b""
        except socket.timeout as failure:
            raise Problem(f"nothing came from the client in {DEADLINE} s") from failure

    def send(self, piece):
        """Sends bytes; returns False if the reply ends here."""
        if self.left is not None:
            piece = piece[:self.left]
            self.left -= len(piece)
        size = self.pieces or len(piece) or 1
        for start in range(0, len(piece), size):
            try:
                self.socket.sendall(piece[start:start + size])
            except (BrokenPipeError, ConnectionResetError) as failure:
                raise Gone() from failure
            except socket.timeout as failure:
                raise Problem(f"the client took nothing for {DEADLINE} s") from failure
            if self.pieces:
                self.wait_until_received()
        return self.left is None or self.left > 0

    def wait_until_received(self):
        """Waits until the client has received everything, so that it does not receive two pieces as one; ioctl SIOCOUTQ, unix(7)."""
        unread, end = array.array("i", [0]), time.monotonic() + DEADLINE
        while fcntl.ioctl(self.socket, termios.TIOCOUTQ, unread) == 0 and unread[0] > 0 and time.monotonic() < end:
            if self.poll(select.POLLHUP, 0.0002):
                raise Gone()

    def wait_until_gone(self):
        if not self.poll(select.POLLHUP, DEADLINE):
            raise Problem("the client did not close the connection")

    def wait_for(self, event):
        if not self.poll(event, DEADLINE):
            raise Problem("the client sent nothing")

    def poll(self, event, seconds):
        poll = select.poll()
        poll.register(self.socket, event)
        return bool(poll.poll(max(1, seconds * 1000)))


def unique(pairs):
    """Rejects members that occur twice, as the daemon does."""
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Problem(f"members of the request occur twice: {names}")
    return dict(pairs)


def same(expected, actual):
    """Compares JSON. true is not 1, but 2 is 2.0: JSON has one kind of number."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(same(expected[name], actual[name]) for name in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(same(*pair) for pair in zip(expected, actual))
    return expected == actual


def fill(path):
    """Connects until the queue of the socket is full."""
    fillers = []
    while True:
        filler = socket.socket(socket.AF_UNIX)
        fillers.append(filler)
        filler.setblocking(False)
        try:
            filler.connect(path)
        except BlockingIOError as failure:
            if failure.errno != errno.EAGAIN:
                raise
            return fillers


def serve(path, case, ready, stop, limit=None):
    """Serves one case, until the descriptor stop is at its end; returns {"connections": N, "problem": text or None}.

    Calls ready when a client can come.
    """
    listening = case.get("listening")
    if listening == "absent":
        ready()
        wait(stop)
        return {"connections": 0, "problem": None}
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if listening == "datagrams" else socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o666)
    fillers = []
    if listening not in ("never", "datagrams"):
        listener.listen(0 if listening == "full" else 64)
    if listening == "full":
        fillers = fill(path)
    ready()
    if listening in ("never", "datagrams"):
        wait(stop)
        return {"connections": 0, "problem": None}
    if fillers:
        # A client that comes now finds the queue full.
        time.sleep(0.3)
        # The last one found the queue full, and is not in it.
        for _ in fillers[1:]:
            listener.accept()[0].close()
    for filler in fillers:
        filler.close()

    connections, problem = 0, None
    while listener in select.select([listener, stop], [], [])[0]:
        connected, _ = listener.accept()
        with connected:
            connections += 1
            if connections > 1:
                continue
            connection = Connection(connected, case.get("pieces"), limit)
            try:
                connection.play(case["script"])
            except Problem as failure:
                problem = str(failure)
            except (Gone, ConnectionResetError):
                pass
            except ValueError as failure:
                problem = f"the request cannot be read: {failure}"
    listener.close()
    return {"connections": connections, "problem": problem}


def wait(stop):
    select.select([stop], [], [])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path, name = sys.argv[1:]
    cases = {}
    for file_name in ("cases.json", "recorded.json"):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), file_name), encoding="utf-8") as file:
            cases.update({case["name"]: case for case in json.load(file)["cases"]})
    name, _, cut = name.partition("/")
    if cases.get(name, {}).get("daemon") != "fake":
        sys.exit(f"{name} is not a case with the fake daemon")
    print(f"serving {name} at {path} until the end of standard input", flush=True)
    try:
        print(json.dumps(serve(path, cases[name], lambda: None, sys.stdin, int(cut) if cut else None)))
    finally:
        if os.path.exists(path):
            os.unlink(path)


if __name__ == "__main__":
    main()
