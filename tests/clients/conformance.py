#!/usr/bin/env python3
"""Plays the cases of cases.json with the clients of clients.json, and compares. README.md says how to add a client.

Needs root: it creates users unless they are named, and starts a daemon that runs jobs as them.
"""

import argparse
import base64
import contextlib
import copy
import fnmatch
import json
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import unicodedata

sys.dont_write_bytecode = True

import fake_daemon  # noqa: E402

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(FOLDER))

# How long a runner has for one case, and the daemon for its start, in seconds. Nothing is compared with these times.
CASE_DEADLINE = 60
START_DEADLINE = 30

# What a text must not contain when a client shows it: it could control a terminal or change the order of other text.
HARMFUL = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


class Difference(Exception):
    """The client did not do what the case expects."""


class RunnerLost(Exception):
    """The runner ended or gave no answer."""


class Runner:
    """The process of a runner, which is started when it is needed."""

    def __init__(self, command):
        self.command = command
        self.process = None
        self.buffer = b""

    def start(self):
        if self.process is None:
            self.buffer = b""
            self.process = subprocess.Popen(
                self.command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)

    def ask(self, call, deadline=CASE_DEADLINE):
        """Sends one call and returns the answer."""
        self.start()
        try:
            self.process.stdin.write(json.dumps(call).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as failure:
            raise RunnerLost(f"the runner ended with {self.stop()}") from failure
        end = time.monotonic() + deadline
        while b"\n" not in self.buffer:
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                self.stop()
                raise RunnerLost(f"no answer in {deadline} s")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise RunnerLost(f"the runner ended with {self.stop()}")
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\n")
        try:
            answer = json.loads(line.decode())
        except ValueError as failure:
            self.stop()
            raise RunnerLost(f"the runner wrote what is not JSON: {line[:200]!r}") from failure
        if not isinstance(answer, dict) or answer.get("case") != call.get("case"):
            self.stop()
            raise RunnerLost(f"the runner answered another case: {line[:200]!r}")
        return answer

    def resident(self):
        """Returns the resident memory of the runner in bytes, and begins to measure its peak; clear_refs of proc(5)."""
        self.start()
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
        return self.status("VmRSS")

    def peak(self):
        return self.status("VmHWM")

    def status(self, name):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(rf"^{name}:\s+(\d+) kB$", file.read(), re.MULTILINE)[1]) * 1024

    def stop(self):
        """Ends the process and returns its exit status."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # What the runner started and left, as a runner of a command does.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        return process.returncode


class RealDaemon:
    """A real daemon with a configuration of its own."""

    def __init__(self, native, folder, configuration):
        self.socket = os.path.join(folder, "pipeforkas.sock")
        self.log = os.path.join(folder, "log")
        full = {
            "Socket": {"Path": self.socket},
            "JobHosts": [{"Path": os.path.join(native, "pipeforkas-jobs"), "Workers": 2}],
            "Limits": {"KillGrace": "00:00:01", "RootReserve": 0},
        }
        full.update(configuration)
        path = os.path.join(folder, "pipeforkas.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(full, file)
        os.chmod(path, 0o644)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(native, "pipeforkasd"), "--config", path], stdin=subprocess.DEVNULL, stderr=log,
                env=dict(os.environ, DOTNET_EnableDiagnostics="0"))
        end = time.monotonic() + START_DEADLINE
        while "listening on" not in self.logged():
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the daemon does not listen: {self.logged()}")
            time.sleep(0.02)

    def logged(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def ask(self, request):
        """Requests an operation; returns its output and the end record."""
        outputs, end = self.exchange(json.dumps({**request, "reply": "frames"}).encode() + b"\n")
        return outputs["stdout"], end

    def exchange(self, line, content=()):
        """Sends a line and the input after it, in pieces; returns both outputs and the end record."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(START_DEADLINE)
            connection.connect(self.socket)
            connection.sendall(line)
            for piece in content:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as reply:
                outputs = {"stdout": b"", "stderr": b""}
                while True:
                    head = reply.read(8)
                    payload = reply.read(int.from_bytes(head[4:], "big"))
                    if head[0] == fake_daemon.END:
                        return outputs, json.loads(payload)
                    outputs["stdout" if head[0] == fake_daemon.STDOUT else "stderr"] += payload

    def jobs(self):
        return json.loads(self.ask({"op": "status"})[0])["jobs"]

    def wait_for_jobs(self, some):
        """Waits until some job runs, or until none does; returns the jobs."""
        end = time.monotonic() + CASE_DEADLINE
        while bool(jobs := self.jobs()) != some:
            if time.monotonic() > end:
                raise Difference("no job runs" if some else f"a job still runs: {jobs}")
            time.sleep(0.01)
        return jobs

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_DEADLINE)


class FakeProcess:
    """A process that serves one case with the fake daemon."""

    def __init__(self, path, case, limit):
        ready_read, ready_write = os.pipe()
        stop_read, self.stop_write = os.pipe()
        self.report_read, report_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self.stop_write)
                if "uid" in case:
                    os.chown(os.path.dirname(path), case["uid"], -1)
                    os.setgroups([])
                    os.setgid(case["uid"])
                    os.setuid(case["uid"])
                report = fake_daemon.serve(path, case, lambda: os.write(ready_write, b"x"), stop_read, limit)
                os.write(report_write, json.dumps(report).encode())
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        for descriptor in (ready_write, stop_read, report_write):
            os.close(descriptor)
        with os.fdopen(ready_read, "rb") as ready:
            is_ready = ready.read(1) == b"x"
        if not is_ready:
            self.end()
            raise SystemExit("the fake daemon does not listen")

    def end(self):
        """Lets the fake daemon finish its script and end; returns its report."""
        os.close(self.stop_write)
        with os.fdopen(self.report_read, "rb") as report:
            ready = select.select([report], [], [], CASE_DEADLINE)[0]
            content = report.read() if ready else b""
        if not ready:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return json.loads(content) if content else {"connections": 0, "problem": "the fake daemon did not end"}


def expanded(cases):
    """Yields each case and how many bytes of its reply are sent; None for all."""
    for case in cases:
        if case.get("cut") == "each":
            for limit in range(fake_daemon.reply_length(case["script"])):
                yield {**case, "name": f"{case['name']}/{limit}"}, limit
        else:
            yield case, None


def filled(value, names):
    """Replaces ${name} in all texts."""
    if isinstance(value, str):
        for name, text in names.items():
            if value == f"${{{name}}}" and not isinstance(text, str):
                return text
            value = value.replace(f"${{{name}}}", str(text))
        return value
    if isinstance(value, list):
        return [filled(element, names) for element in value]
    if isinstance(value, dict) and "$repeat" in value:
        return value["$repeat"] * value["times"]
    if isinstance(value, dict):
        return {filled(name, names): filled(member, names) for name, member in value.items()}
    return value


def exit_status(expected):
    """The exit status of the command for an end; pipeforkas(1) has the table."""
    code, error = expected.get("code"), expected.get("error")
    if expected["outcome"] not in ("result", "failed"):
        return {"cancelled": 130}.get(expected["outcome"], 125)
    if code == "error":
        return 125 if error and error.get("type") == "execve" else 1
    if code == "signaled":
        return 128 + expected["signal"]
    if code in ("ok", "failed"):
        return expected.get("exit") or 0
    return {"timeout": 124, "cancelled": 130, "denied": 126, "unknown-job": 127}.get(code, 125)


def compare(expected, answer):
    """Raises a Difference if an answer is not the expected one."""
    differ(expected["outcome"], answer.get("outcome"), "outcome", answer)
    if "status" in answer:
        differ(exit_status(expected), answer["status"], "status", answer)
    if "value" in expected and not part_of(expected["value"], answer.get("value")):
        raise Difference(f"value is {excerpt(answer.get('value'))}, expected is {excerpt(expected['value'])}")
    is_end = expected["outcome"] in ("result", "failed")
    if is_end and "code" in answer:
        differ(expected["code"], answer["code"], "code", answer)
        differ(expected.get("exit", 0 if expected["code"] == "ok" else None), answer.get("exit"), "exit", answer)
        differ(expected.get("signal"), answer.get("signal"), "signal", answer)
        compare_error(expected.get("error"), answer.get("error"))
        compare_message(expected, answer.get("message"))
        for name in ("job", "user", "uid"):
            if name in expected:
                differ(expected[name], answer.get(name), name, answer)
    elif is_end and "status" not in answer and "value" not in answer:
        raise Difference("the answer has no code")
    for name in ("stdout", "stderr"):
        if name in answer and (expected["outcome"] == "result" or name in expected):
            compare_output(expected.get(name, {"text": ""}), answer[name], name)
        elif name in expected or (expected["outcome"] == "result" and "value" not in answer):
            raise Difference(f"the answer has no {name}")


def compare_message(expected, message):
    if "message" in expected:
        if not text_matches(expected["message"], message):
            raise Difference(f"message is {message!r}, expected is {expected['message']!r}")
    elif (expected["code"] == "ok") != (message is None) or message == "":
        raise Difference(f"message is {message!r} with the code {expected['code']}")


def compare_error(expected, error):
    if expected is None or error is None:
        differ(expected, error, "error", {})
        return
    for name, member in expected.items():
        if not text_matches(member, error.get(name)):
            raise Difference(f"{name} of error is {error.get(name)!r}, expected is {member!r}")


def compare_output(expected, output, name):
    if "matches" in expected:
        start = base64.b64decode(output["start"])
        if output["bytes"] > 4096 or not re.fullmatch(expected["matches"], start.decode(), re.DOTALL):
            raise Difference(f"{name} has {output['bytes']} bytes, {start[:200]!r}, which do not match {expected['matches']!r}")
        return
    length, digest = fake_daemon.digest_of(expected)
    if (output["bytes"], output["sha256"]) != (length, digest):
        start = base64.b64decode(output["start"])[:200]
        raise Difference(f"{name} has {output['bytes']} bytes, {start!r}, expected are {length}: {excerpt(expected)}")


def text_matches(expected, actual):
    if isinstance(expected, dict):
        return isinstance(actual, str) and re.fullmatch(expected["matches"], actual, re.DOTALL) is not None
    return fake_daemon.same(expected, actual)


def part_of(expected, actual):
    """Whether a JSON value has all that the expected one has."""
    if isinstance(expected, dict) and set(expected) == {"matches"}:
        return text_matches(expected, actual)
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(name in actual and part_of(member, actual[name]) for name, member in expected.items())
    if isinstance(expected, list):
        return isinstance(actual, list) and all(any(part_of(element, other) for other in actual) for element in expected)
    return fake_daemon.same(expected, actual)


def keeps(old, new, place):
    """Raises a Difference if a JSON value lacks a member that an older one has, or has it with another type. Null has no type."""
    kinds = [float if isinstance(value, int) and not isinstance(value, bool) else type(value) for value in (old, new)]
    if old is not None and new is not None and kinds[0] is not kinds[1]:
        raise Difference(f"{place} was {excerpt(old)}, and is {excerpt(new)}")
    if isinstance(old, dict) and isinstance(new, dict):
        for name, member in old.items():
            if name not in new:
                raise Difference(f"{place} has no {name} any more: {excerpt(new)}")
            keeps(member, new[name], f"{name} of {place}")
    elif isinstance(old, list) and isinstance(new, list) and old and new:
        keeps(old[0], new[0], f"an element of {place}")


def differ(expected, actual, name, answer):
    if not fake_daemon.same(expected, actual):
        shown = answer.get("shown") or answer.get("message")
        raise Difference(f"{name} is {actual!r}, expected is {expected!r}" + (f": {shown}" if shown else ""))


def excerpt(value):
    text = json.dumps(value)
    return text if len(text) <= 400 else text[:400] + "..."


def expect_harmless(answer):
    shown = answer.get("shown")
    harmful = [character for character in shown or "" if unicodedata.category(character) in HARMFUL]
    if harmful:
        raise Difference(f"the text of the error has control characters: {shown!r}")


class Suite:
    """The cases, and what they are played with."""

    def __init__(self, cases, native, folder, daemon, names, remote=None, runner_host=None):
        self.cases = [(case, limit) for case, limit in expanded(cases)
                      if remote is None or (case["daemon"] == "real" and not case.get("root"))]
        self.remote = remote or ""
        self.before = ["ssh", runner_host] if runner_host is not None else []
        self.native = native
        self.folder = folder
        self.daemon = daemon
        self.names = names

    def play_all(self, client, description, pattern):
        """Plays all cases with one client; returns the number that passed, failed, and that it cannot play, and its versions."""
        runner = Runner(self.before + [self.word(word) for word in description["command"]])
        without = description.get("without", {})
        passed, failures = 0, []
        try:
            about = runner.ask({"call": "about"})
            unsupported = 0
            for case, limit in self.cases:
                if not fnmatch.fnmatch(case["name"], pattern):
                    continue
                family = case["name"].partition("/")[0]
                try:
                    if self.play(runner, case, limit) == "unsupported":
                        if family not in without:
                            raise Difference("the client does not support it, and clients.json does not say why")
                        unsupported += 1
                        continue
                    if family in without:
                        raise Difference("the client supports it, but clients.json says that it does not")
                    passed += 1
                except (Difference, RunnerLost) as failure:
                    failures.append(case["name"])
                    print(f"{client}: {case['name']}: {failure} ({case['why']})", flush=True)
        except RunnerLost as failure:
            print(f"{client}: {failure}", flush=True)
            return {"client": "?", "runtime": "?"}, 0, 1, 0
        finally:
            runner.stop()
        return about, passed, len(failures), unsupported

    def play_recorded(self, pattern):
        """Sends the recorded requests to the real daemon; returns the number that passed and that failed."""
        passed, failed = 0, 0
        for case in (case for case, _ in self.cases if "line" in case and fnmatch.fnmatch(case["name"], pattern)):
            try:
                self.send_recorded(filled(case, self.names))
                passed += 1
            except Difference as failure:
                failed += 1
                print(f"recorded requests: {case['name']}: {failure} ({case['why']})", flush=True)
        return passed, failed

    def send_recorded(self, case):
        """Sends a recorded request; the reply must have all that the recorded one has."""
        content = fake_daemon.pieces_of(case["call"]["input"]) if "input" in case["call"] else ()
        outputs, end = self.daemon.exchange(case["line"].encode() + b"\n", content)
        recorded = {name: b"".join(piece for step in case["script"] for piece in fake_daemon.pieces_of(step.get(step_name, {"parts": []})))
                    for name, step_name in (("stdout", "out"), ("stderr", "err"))}
        old_end = json.loads(next(step["end"] for step in case["script"] if "end" in step))
        for name in ("code", "exit", "signal"):
            differ(old_end[name], end[name], name, end)
        keeps(old_end, end, "the end record")
        if case["call"]["call"] != "run" and recorded["stdout"]:
            keeps(json.loads(recorded["stdout"]), json.loads(outputs["stdout"]), "the output")
        elif recorded != outputs and "matches" not in case["expect"].get("stdout", {}):
            raise Difference(f"the outputs are {outputs}, recorded are {recorded}")

    def word(self, word):
        word = word.replace("${native}", self.native)
        return os.path.normpath(os.path.join(FOLDER, word)) if "/" in word and not word.startswith("/") else word

    def play(self, runner, case, limit):
        """Plays one case; returns the outcome."""
        case = {**case, "call": filled(case["call"], self.names), "expect": filled(case["expect"], self.names)}
        call = {"case": case["name"], **case["call"]}
        before = runner.resident() if "memory" in case else 0
        answer, report = (self.play_fake if case["daemon"] == "fake" else self.play_real)(runner, case, call, limit)
        if answer.get("outcome") == "unsupported":
            return "unsupported"
        expect_harmless(answer)
        alternatives = case["expect"] if isinstance(case["expect"], list) else [case["expect"]]
        differences = []
        for expected in alternatives:
            try:
                compare(expected, answer)
                break
            except Difference as difference:
                differences.append(str(difference))
        else:
            raise Difference("; or ".join(differences))
        if report:
            default = 0 if answer["outcome"] in ("connection", "request") else 1
            if report["problem"]:
                raise Difference(report["problem"])
            # Where the language cannot ask the kernel who listens, a client looks at the socket before it connects.
            is_before = answer["outcome"] == "untrusted" and report["connections"] == 0
            if not is_before:
                differ(case.get("connections", default), report["connections"], "number of connections", answer)
        if "memory" in case and runner.peak() - before > case["memory"]:
            raise Difference(f"the runner needed {runner.peak() - before} bytes of memory, at most {case['memory']} are allowed")
        return answer["outcome"]

    def play_real(self, runner, case, call, _):
        call["socket"] = self.remote + self.daemon.socket
        if not case.get("cancelled"):
            answer = runner.ask(call)
        else:
            canceller = os.fork()
            if canceller == 0:
                try:
                    job = self.daemon.wait_for_jobs(True)[0]
                    self.daemon.ask({"op": "cancel", "id": job["id"]})
                finally:
                    os._exit(0)
            try:
                answer = runner.ask(call)
            finally:
                os.waitpid(canceller, 0)
        self.daemon.wait_for_jobs(False)
        return answer, None

    def play_fake(self, runner, case, call, limit):
        folder = tempfile.mkdtemp(dir=self.folder)
        os.chmod(folder, 0o755)
        try:
            call["socket"] = os.path.join(folder, case.get("socketName", "fake.sock"))
            fake = FakeProcess(call["socket"], filled(case, self.names), limit)
            try:
                answer = runner.ask(call)
            finally:
                report = fake.end()
            return answer, report
        finally:
            shutil.rmtree(folder)


def make_user(name):
    """Creates a user without anything that userdel leaves behind."""
    subprocess.run(
        ["useradd", "--create-home", "--user-group", "--no-log-init", "--shell", "/bin/sh", "-K", "MAIL_DIR=/dev/null",
         "-K", "SUB_UID_COUNT=0", "-K", "SUB_GID_COUNT=0", name], check=True)
    return name


def make_files(user, folder, files):
    """Creates the files of the cases in the home of the user, or in the folder of the suite; returns their paths."""
    paths = []
    for file in files:
        name = base64.b64decode(file["nameBytes"]) if "nameBytes" in file else file["name"].encode()
        is_own = file.get("in") == "folder"
        path = os.path.join(os.fsencode(folder if is_own else user.pw_dir), name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        paths.append(path)
        with os.fdopen(descriptor, "wb") as content:
            for piece in fake_daemon.pieces_of(file["content"]):
                content.write(piece)
        if not is_own:
            os.chown(path, user.pw_uid, user.pw_gid)
        os.chmod(path, int(file.get("mode", "600"), 8))
    return paths


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clients", nargs="*", help="names of clients.json; default: all")
    parser.add_argument("--case", default="*", help="a pattern of names of cases; default: all")
    parser.add_argument("--native", default=os.environ.get("PIPEFORKAS_NATIVE") or os.path.join(ROOT, "artifacts", "native"),
                        help="the folder of pipeforkasd and pipeforkas-jobs; default: PIPEFORKAS_NATIVE, otherwise artifacts/native")
    parser.add_argument("--user", help="a user for jobs; default: one is created")
    parser.add_argument("--other", help="another one")
    parser.add_argument("--remote", help="ssh://HOST, which leads to this machine as the user: only real cases that do not need root")
    parser.add_argument("--runner-host", help="with --remote: ssh starts the runners on this host, which has the same files")
    return parser.parse_args()


def main():
    if os.geteuid() != 0:
        sys.exit("conformance.py: run it as root")
    asked = arguments()
    with open(os.path.join(FOLDER, "clients.json"), encoding="utf-8") as file:
        clients = json.load(file)
    unknown = [name for name in asked.clients if name not in clients]
    if unknown:
        sys.exit(f"conformance.py: clients.json has no client {', '.join(unknown)}")
    with open(os.path.join(FOLDER, "cases.json"), encoding="utf-8") as file:
        suite = json.load(file)
    with open(os.path.join(FOLDER, "recorded.json"), encoding="utf-8") as file:
        suite["cases"] += json.load(file)["cases"]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))

    with contextlib.ExitStack() as stack:
        names = []
        for given, suffix in ((asked.user, "u"), (asked.other, "o")):
            if given is None:
                given = make_user(f"pfa-cc-{suffix}-{os.getpid()}")
                stack.callback(subprocess.run, ["userdel", "--remove", given], check=False, stderr=subprocess.DEVNULL)
            names.append(given)
        user = pwd.getpwnam(names[0])
        folder = tempfile.mkdtemp(prefix="pipeforkas-clients-")
        stack.callback(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        values = {"user": names[0], "other": names[1], "uid": user.pw_uid, "uid-text": str(user.pw_uid), "home": user.pw_dir,
                  "other-uid": pwd.getpwnam(names[1]).pw_uid,
                  "folder": folder, "native": os.path.abspath(asked.native)}
        paths = make_files(user, folder, suite["files"])
        stack.callback(lambda: [os.unlink(path) for path in paths if os.path.lexists(path)])
        configuration = filled(copy.deepcopy(suite["configuration"]), values)
        if asked.remote is not None:
            configuration["Policy"]["Rules"].append({"Name": "self", "Callers": [names[0]], "Jobs": ["*"], "As": ["self"]})
        daemon = RealDaemon(values["native"], folder, configuration)
        stack.callback(daemon.stop)
        rows = []
        played = Suite(suite["cases"], values["native"], folder, daemon, values, asked.remote, asked.runner_host)
        for name in asked.clients or clients:
            rows.append((name, *played.play_all(name, clients[name], asked.case)))
        recorded = played.play_recorded(asked.case) if asked.remote is None else (0, 0)
        if any(recorded):
            rows.append(("recorded requests", {}, *recorded, 0))
        if daemon.process.poll() is not None:
            print(f"the daemon ended with {daemon.process.returncode}: {daemon.logged()}")
            rows.append(("daemon", {}, 0, 1, 0))

    for name, about, passed, failed, unsupported in rows:
        less = f", {unsupported} cannot be asked of it" if unsupported else ""
        versions = f"{about['client']}, {about['runtime']}: " if about else ""
        print(f"{name}: {versions}{passed} passed, {failed} failed{less}")
    total, bad = sum(row[2] for row in rows), sum(row[3] for row in rows)
    print(f"{total} passed, {bad} failed")
    sys.exit(0 if bad == 0 and total > 0 else 1)


if __name__ == "__main__":
    main()
