#!/usr/bin/env python3
"""The runner of the command pipeforkas, whose path is the argument. A command has no types of errors: they are known by its messages."""

import base64
import json
import os
import selectors
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
for folder in (os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))):
    sys.path.insert(0, folder)

import fake_daemon  # noqa: E402
from output import Output  # noqa: E402

COMMAND = sys.argv[1]
TROUBLE, CANCELLED, TERMINATED = 125, 130, 143
LONGEST_MESSAGE = 64 * 1024

# The beginnings of what the command says if there is no end record.
OUTCOMES = {
    "the reply was cut short": "cut-short",
    "the daemon closed the connection without a reply": "cut-short",
    "the reply breaks the protocol": "violation",
    "cannot connect to": "connection",
    "a process of uid": "untrusted",
    "\"": "request",
    "the request has": "request",
    "--timeout": "request",
    "the job wrote more than": "too-much",
}
UNSUPPORTED = ("limit", "inputFails")


def place_of(call):
    """The options for the socket, and for the host if it begins with ssh://."""
    if not call["socket"].startswith("ssh://"):
        return ["--socket", call["socket"]]
    host, _, path = call["socket"][len("ssh://"):].partition("/")
    return ["--host", host, "--socket", f"/{path}"]


def words_of(call, operation, *options):
    words = [COMMAND, operation, *place_of(call)]
    if "daemonUid" in call:
        words += ["--daemon-uid", str(call["daemonUid"])]
    for name, option in (("user", "--user"), ("caller", "--caller"), ("timeout", "--timeout")):
        if name in call:
            words += [option, str(call[name])]
    for pair in call.get("env", {}).items():
        words += ["--env", "=".join(pair)]
    if "args" in call:
        words += ["--args", json.dumps(call["args"], ensure_ascii=False)]
    words += options
    if operation != "cancel" and "job" in call:
        words += ["--", call["job"]]
    if "id" in call:
        words.append(str(call["id"]))
    return words


def transfer(process, content, take):
    """Moves the bytes of the three streams until the command closes its outputs; take gets each piece of an output."""
    pieces = fake_daemon.pieces_of(content) if content is not None else iter(())
    pending = b""
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            selector.register(stream, selectors.EVENT_READ)
        if content is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while {process.stdout, process.stderr} & {key.fileobj for key in selector.get_map().values()}:
            for key, _ in selector.select():
                if key.fileobj is not process.stdin:
                    piece = os.read(key.fd, 65536)
                    if not piece:
                        selector.unregister(key.fileobj)
                    else:
                        take("stdout" if key.fileobj is process.stdout else "stderr", piece)
                    continue
                pending = pending or next(pieces, b"")
                try:
                    pending = pending[os.write(key.fd, pending):] if pending else b""
                except BrokenPipeError:
                    pending, pieces = b"", iter(())
                if not pending and not (pending := next(pieces, b"")):
                    selector.unregister(process.stdin)
                    process.stdin.close()


def start(words, call):
    return subprocess.Popen(
        words, stdin=subprocess.PIPE if "input" in call else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process):
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return process.wait()


def split_message(stderr):
    """Splits standard error into that of the job and the last line, which is the command's own if it begins with its name."""
    start_of_last = stderr.rstrip(b"\n").rfind(b"\n") + 1
    last = stderr[start_of_last:]
    if not last.startswith(b"pipeforkas: ") or not last.endswith(b"\n"):
        return stderr, None
    return stderr[:start_of_last], last[len(b"pipeforkas: "):-1].decode()


def report_of(status, message):
    """Returns the outcome by the exit status and the message of the command."""
    if status == TROUBLE and message is not None:
        for beginning, outcome in OUTCOMES.items():
            if message.startswith(beginning):
                return {"outcome": outcome, "status": status, "shown": message}
    return {"outcome": "result", "status": status, "shown": message}


def run(call):
    """Uses --json, which has the whole result."""
    process = start(words_of(call, "run", "--json"), call)
    outputs = {"stdout": bytearray(), "stderr": bytearray()}
    transfer(process, call.get("input"), lambda name, piece: outputs[name].extend(piece))
    status = finish(process)
    _, message = split_message(bytes(outputs["stderr"]))
    if not outputs["stdout"]:
        return report_of(status, message)
    reply = json.loads(outputs["stdout"].decode())
    report = {"outcome": "failed" if call.get("throws") and reply["end"]["code"] != "ok" else "result", "status": status}
    for name in ("code", "exit", "signal", "message", "error", "job", "user", "uid"):
        report[name] = reply["end"].get(name)
    for name in ("stdout", "stderr"):
        is_base64 = reply.get(name + "Encoding") == "base64"
        report[name] = Output(base64.b64decode(reply[name]) if is_base64 else reply[name].encode()).report()
    if message is not None:
        report["shown"] = message
    return report


def stream(call):
    process = start(words_of(call, "run"), call)
    outputs = {"stdout": Output(), "stderr": Output()}
    ended_by, end_of_stderr = None, b""

    def take(name, piece):
        nonlocal ended_by, end_of_stderr
        if name == "stderr":
            # The end can be a line of the command.
            end_of_stderr += piece
            outputs[name].add(end_of_stderr[:-LONGEST_MESSAGE])
            end_of_stderr = end_of_stderr[-LONGEST_MESSAGE:]
            return
        outputs[name].add(piece)
        count = outputs[name].bytes
        if ended_by is None and count >= call.get("cancelAfter", count + 1):
            ended_by = CANCELLED
            process.send_signal(signal.SIGINT)
        elif ended_by is None and count >= call.get("leaveAfter", count + 1):
            ended_by = TERMINATED
            process.send_signal(signal.SIGTERM)
        elif count >= call.get("pauseAfter", count + 1):
            call.pop("pauseAfter")
            time.sleep(call["pause"])

    transfer(process, call.get("input"), take)
    status = finish(process)
    stderr, message = split_message(end_of_stderr)
    outputs["stderr"].add(stderr)
    report = report_of(status, message)
    if ended_by is not None:
        report = {"outcome": "cancelled" if status == ended_by else f"status {status}"}
    return {**report, "stdout": outputs["stdout"].report(), "stderr": outputs["stderr"].report()}


def ask(call):
    process = start(words_of(call, call["call"], *([] if call["call"] == "cancel" else ["--json"])), call)
    outputs = {"stdout": bytearray(), "stderr": bytearray()}
    transfer(process, None, lambda name, piece: outputs[name].extend(piece))
    status = finish(process)
    _, message = split_message(bytes(outputs["stderr"]))
    if outputs["stdout"]:
        return {"outcome": "result", "value": json.loads(outputs["stdout"].decode())}
    if status == 0:
        return {"outcome": "result", "value": None}
    report = report_of(status, message)
    return report if report["outcome"] != "result" else {**report, "outcome": "failed"}


def sign_in(call):
    process = start([COMMAND, "sign-in", *place_of(call), call["user"]], {"input": True})
    outputs = {"stdout": bytearray(), "stderr": bytearray()}
    transfer(process, {"text": call["password"]}, lambda name, piece: outputs[name].extend(piece))
    status = finish(process)
    if status == 0:
        return {"outcome": "result", "value": {"ticket": outputs["stdout"].decode().rstrip("\n")}}
    report = report_of(status, split_message(bytes(outputs["stderr"]))[1])
    return report if report["outcome"] != "result" else {**report, "outcome": "failed"}


def play(call):
    if call["call"] == "sign-in":
        return sign_in(call)
    if any(name in call for name in UNSUPPORTED):
        return {"outcome": "unsupported"}
    return run(call) if call["call"] == "run" else stream(call) if call["call"] == "stream" else ask(call)


def main():
    # A shell lets programs that it starts in the background ignore SIGINT, and the command would inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for line in sys.stdin:
        call = json.loads(line)
        if call["call"] == "about":
            version = subprocess.run([COMMAND, "--version"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
            print(json.dumps({"client": f"pipeforkas {version}", "runtime": "command"}), flush=True)
        else:
            print(json.dumps({"case": call["case"], **play(call)}), flush=True)


main()
