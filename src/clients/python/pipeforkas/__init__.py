"""Client of PipeForkAs: requests jobs, which its daemon runs as a user.

    import pipeforkas

    done = pipeforkas.run("id", user="alice", check=True, text=True)
    print(done.stdout)

    with pipeforkas.open("list-directory", args={"path": "/srv"}) as job:     # while the job runs
        for line in job.stdout:
            print(line)

    done = await pipeforkas.run_async("id")                                   # the same with asyncio

The man page pipeforkas-protocol(7) describes the protocol. Nothing is sent unless a process of root listens at the socket, as the kernel
attests it; ``daemon_uid`` of each function changes that. Each call uses one connection. The functions can be used from several threads.

``socket`` of each function is the path of the daemon's socket, or ``ssh://[user@]host[:port]``, also with the path of the socket on that
host after it. ssh(1) then runs ``pipeforkas dial`` there, with the configuration, keys and agent of the calling user, and never asks for a
password. Default: the host in the environment variable PIPEFORKAS_HOST, otherwise the path in PIPEFORKAS_SOCKET, otherwise
/run/pipeforkas/pipeforkas.sock.
"""

from __future__ import annotations

import asyncio
import base64
import collections
import contextlib
import dataclasses
import errno as _errno
import io
import json
import math
import os
import re
import select
import socket as _socket
import struct
import subprocess
import threading
import time
import unicodedata
import weakref
from typing import (
    Any, AnyStr, AsyncIterable, AsyncIterator, BinaryIO, Callable, Deque, Dict, Generic, Iterable, Iterator, List, Literal, Mapping,
    NamedTuple, Optional, Tuple, Type, TypedDict, TypeVar, Union, cast, overload)

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_LIMIT", "DEFAULT_SOCKET", "DEVNULL", "HOST_VARIABLE", "PIPE", "SOCKET_VARIABLE", "SSH_SESSIONS",
    "run", "open", "list_jobs", "describe", "check", "status", "cancel", "sign_in", "sign_out",
    "run_async", "open_async", "list_jobs_async", "describe_async", "check_async", "status_async", "cancel_async",
    "sign_in_async", "sign_out_async",
    "CompletedJob", "ErrorInfo", "Job", "AsyncJob", "AsyncOutput", "AsyncInput",
    "JobDescription", "CheckResult", "DaemonStatus", "HostStatus", "RunningJob", "RuleOutcome", "SignInTicket",
    "PipeForkAsError", "JobError", "RequestError", "UnreachableError", "UntrustedDaemonError", "RemoteHostError", "ReplyCutShortError",
    "ProtocolError",
    "OutputTooLargeError", "StreamError", "CancelledError",
]

DEFAULT_SOCKET = "/run/pipeforkas/pipeforkas.sock"
"""The default path of the daemon's socket."""

SOCKET_VARIABLE = "PIPEFORKAS_SOCKET"
"""The environment variable that selects another socket."""

HOST_VARIABLE = "PIPEFORKAS_HOST"
"""The environment variable that selects another host, as ``[user@]host[:port]``."""

SSH_SESSIONS = 8
"""The most sessions of ssh at once to one host; more calls wait. Each call and each open job needs one. A server refuses some connections
at more than 10 that begin at once (MaxStartups), and more than 10 sessions of a shared connection (MaxSessions); sshd_config(5)."""

DEFAULT_LIMIT = 16 * 1024 * 1024
"""The most bytes that are kept of each output unless ``limit`` says otherwise: 16 MiB."""

PIPE = -1
"""For ``input`` of :func:`open`: the program writes to ``job.stdin``."""

DEVNULL = -3
"""For ``stdout`` and ``stderr``: discard the output."""

# pipeforkas-protocol(7).
_STDOUT, _STDERR, _END = 1, 2, 16
_NAMES = {_STDOUT: "stdout", _STDERR: "stderr"}
_HEADER = struct.Struct(">4BI")
_MAX_FRAME = 16 * 1024 * 1024
_MAX_REQUEST = 64 * 1024

# The texts of an end record have at most 4096 characters; a parser of JSON needs many times the memory of its text.
_MAX_END = 1024 * 1024

# Slightly more than a pipe or a socket returns at once.
_BUFFER = 128 * 1024

# What a file object can be asked for, less one.
_LONGEST = 0x7FFFFFFFFFFFFFFE

# How long to wait while the queue of the socket is full, in seconds, and at most between two attempts. No event says that it has room.
_QUEUE_TIMEOUT = 10.0
_LONGEST_PAUSE = 0.05

# How long to wait for the daemon to close the connection after the end record, in seconds. The wait finds bytes that must not follow.
_CLOSE_GRACE = 2.0

_JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_TICKET = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_CODE = re.compile(r"[a-z][a-z-]{0,63}\Z")
_PATH = Union[str, "os.PathLike[str]"]
_Bytes = Union[bytes, bytearray, memoryview]
_Input = Union[None, str, _Bytes, BinaryIO, Iterable[bytes]]
_AsyncInput = Union[None, str, _Bytes, BinaryIO, Iterable[bytes], AsyncIterable[bytes]]
_Output = Union[None, int, BinaryIO]
_Piece = Tuple[int, bytes]
_T = TypeVar("_T")


class HostStatus(TypedDict, total=False):
    """A job host, in :class:`DaemonStatus`."""

    path: str
    pids: List[int]
    ready: int
    workers: int
    well: bool
    draining: bool
    misses: int


class RunningJob(TypedDict, total=False):
    """A running job, in :class:`DaemonStatus`."""

    id: int
    job: str
    caller: int
    user: str
    uid: int
    pid: int
    age: float


class DaemonStatus(TypedDict, total=False):
    """What :func:`status` returns; pipeforkas-protocol(7) describes the members. A newer daemon can add some."""

    version: str
    uptime: float
    hosts: List[HostStatus]
    former_daemon: int
    jobs: List[RunningJob]
    running: int
    waiting: int
    served: int
    refused: int
    codes: Dict[str, int]
    durations: Dict[str, Dict[str, Any]]
    denials: List[Dict[str, Any]]
    loop: Dict[str, Any]
    records: Dict[str, int]


class JobDescription(TypedDict, total=False):
    """What :func:`describe` and :func:`list_jobs` return; pipeforkas-protocol(7) describes the members."""

    name: str
    kind: str
    description: Optional[str]
    arguments: Dict[str, Any]
    env: List[str]
    unsafeEnv: List[str]
    timeout: Optional[float]
    sandbox: Any
    audited: Any


class RuleOutcome(TypedDict, total=False):
    """One rule of the policy, in :class:`CheckResult`."""

    name: str
    outcome: str


class CheckResult(TypedDict, total=False):
    """What :func:`check` returns; pipeforkas-protocol(7) describes the members."""

    allowed: bool
    caller: int
    job: str
    user: str
    rule: Optional[str]
    reason: Optional[str]
    rules: List[RuleOutcome]
    uid: int
    gid: int
    groups: List[Any]
    home: str
    limits: Dict[str, Any]
    sandbox: Any


class SignInTicket(TypedDict):
    """The result of :func:`sign_in`. The ticket is a secret."""

    ticket: str
    """The value for ``ticket=``. Only this caller can use it, and only for this user."""
    user: str
    uid: int
    expires: str
    """The time at which the ticket ends at the latest, UTC, in the form of ISO 8601."""
    seconds: float
    """The seconds until then, when the daemon replied."""


class ErrorInfo(NamedTuple):
    """The exception that a function threw, or why a program cannot be executed."""

    type: str
    """The kind that the job gives its failure, for example ``not-found``, or the type of the exception; ``execve`` for a program."""

    message: str

    errno: Optional[int]
    """The errno of the failed call; None if it is unknown."""


@dataclasses.dataclass(frozen=True)
class CompletedJob(Generic[AnyStr]):
    """How a request ended, as ``subprocess.CompletedProcess``. pipeforkas-protocol(7) describes the codes."""

    code: str
    """``ok``, ``failed``, ``signaled``, ``error``, ``timeout``, ``cancelled``, ``denied`` ..."""

    exit_code: Optional[int]
    """The exit code, 0 to 255; None if a signal ended the job or no job ran."""

    signal: Optional[int]
    """The number of the signal that ended the job, 1 to 64; None if none did."""

    message: Optional[str]
    """What happened, for a person; unescaped, as the daemon sent it."""

    error: Optional[ErrorInfo]
    """For the code ``error``: what the function threw."""

    job: Optional[str]
    user: Optional[str]
    uid: Optional[int]
    pid: Optional[int]
    """The job, the user that it ran as, and the process id of the worker; None if the request did not get that far."""

    stdout_bytes: int
    stderr_bytes: int
    """The number of bytes that the job wrote."""

    seconds: float
    """The time from the accepted connection to the end."""

    cpu_seconds: Optional[float]
    max_rss: Optional[int]
    """Seconds of processor time; the largest resident set in bytes."""

    stdout: AnyStr
    stderr: AnyStr
    """The outputs that were kept; empty if they went elsewhere."""

    @property
    def ok(self) -> bool:
        """Whether the job ran and exited with 0."""
        return self.code == "ok"

    @property
    def returncode(self) -> Optional[int]:
        """The exit code, or the negative number of the signal, as in ``subprocess``; None if no job ran to its end."""
        return self.exit_code if self.exit_code is not None else -self.signal if self.signal is not None else None

    def check_returncode(self) -> None:
        """Raises a :class:`JobError` if the job did not succeed."""
        if not self.ok:
            raise JobError(self)


class PipeForkAsError(Exception):
    """The base of all errors of this module."""


class JobError(PipeForkAsError):
    """A job did not succeed, or the daemon refused a request. ``result`` has all that is known."""

    def __init__(self, result: "CompletedJob[Any]") -> None:
        super().__init__(result)
        self.result = result

    def __str__(self) -> str:
        result = self.result
        job = "the job" if result.job is None else f"the job {_plain(result.job, 200)}"
        message = "" if result.message is None else f": {_plain(result.message)}"
        stderr = result.stderr if isinstance(result.stderr, str) else bytes(result.stderr[-4096:]).decode("utf-8", "replace")
        lines = [line.strip() for line in stderr[-4096:].split("\n") if line.strip()]
        wrote = f"; it wrote to standard error: {_plain(lines[-1], 200)}" if lines else ""
        return f"{job} did not succeed ({result.code}){message}{wrote}"

    @property
    def code(self) -> str:
        """The code of the result, never ``ok``."""
        return self.result.code

    @property
    def exit_code(self) -> Optional[int]:
        """The exit code of the result."""
        return self.result.exit_code

    @property
    def returncode(self) -> Optional[int]:
        """The exit code, or the negative number of the signal."""
        return self.result.returncode

    @property
    def signal(self) -> Optional[int]:
        """The signal of the result."""
        return self.result.signal

    @property
    def message(self) -> Optional[str]:
        """The message of the result, unescaped."""
        return self.result.message

    @property
    def error_type(self) -> Optional[str]:
        """The type of the exception that a function threw, or the kind that the job gives its failure."""
        return None if self.result.error is None else self.result.error.type

    @property
    def errno(self) -> Optional[int]:
        """The errno of the failed call; None if it is unknown."""
        return None if self.result.error is None else self.result.error.errno

    @property
    def stdout(self) -> Any:
        """The standard output that was kept."""
        return self.result.stdout

    @property
    def stderr(self) -> Any:
        """The standard error that was kept."""
        return self.result.stderr


class RequestError(PipeForkAsError, ValueError):
    """The request is not valid or longer than 64 KiB; nothing was sent."""


class UnreachableError(PipeForkAsError):
    """The client cannot reach the daemon; nothing was sent."""

    def __init__(self, path: str, errno: Optional[int], problem: str) -> None:
        super().__init__(path, errno, problem)
        self.socket = path
        self.errno = errno
        self.problem = problem

    def __str__(self) -> str:
        path = _plain(self.socket, 200)
        known = {
            _errno.ENOENT: "no such file; is pipeforkas running? See: systemctl status pipeforkas",
            _errno.ECONNREFUSED: "no process listens on it; is pipeforkas running? See: systemctl status pipeforkas",
            _errno.EACCES: "permission denied; check the owner and mode of the socket and its folders",
            _errno.EAGAIN: "the daemon's queue of connections is full; try again later",
        }
        return f"cannot connect to {path}: {known.get(self.errno or 0, _plain(self.problem, 200))}"


class UntrustedDaemonError(PipeForkAsError):
    """A process of another uid than expected listens at the socket; nothing was sent."""

    def __init__(self, path: str, uid: int, expected: int) -> None:
        super().__init__(path, uid, expected)
        self.socket = path
        self.uid = uid
        self.expected = expected

    def __str__(self) -> str:
        return f"a process of uid {self.uid} listens at {_plain(self.socket, 200)}, expected is uid {self.expected}; nothing was sent"


class RemoteHostError(PipeForkAsError):
    """ssh or the host that it reaches failed. If ``status`` is 255, the connection can have ended after the request: then it is unknown
    whether the job ran.
    """

    def __init__(self, host: str, status: Optional[int], words: str) -> None:
        super().__init__(host, status, words)
        self.host = host
        self.status = status
        """The exit status of ssh: 255 if it failed itself, else that of ``pipeforkas dial`` on the host; None if ssh has not started or a
        signal ended it."""
        self.words = words

    def __str__(self) -> str:
        host = _plain(self.host, 200)
        lines = "; ".join(_plain(line.strip()) for line in self.words.split("\n") if line.strip())
        lines = lines[len("pipeforkas: "):] if lines.startswith("pipeforkas: ") else lines
        words = ": " + (lines if len(lines) <= 600 else "..." + lines[-600:]) if lines else ""
        if self.status is None:
            return f"a signal ended ssh to {host}, or it cannot be started{words}"
        known = {
            0: f"the daemon on {host} closed the connection without a reply; see there: journalctl -u pipeforkas",
            _UNREACHABLE: f"on {host}{words}",
            _UNTRUSTED: f"on {host}{words}",
            125: f"the command pipeforkas on {host} is too old for remote requests{words}; upgrade pipeforkas there",
            126: f"the command pipeforkas on {host} cannot be executed{words}",
            127: f"there is no command pipeforkas on {host}{words}; install pipeforkas there",
            255: f"ssh to {host} failed{words}",
        }
        return known.get(self.status, f"pipeforkas dial on {host} ended with status {self.status}{words}")


class ReplyCutShortError(PipeForkAsError):
    """The connection ended before the end record: the daemon, the machine or ssh stopped. It is unknown whether the job ran to its end."""

    def __init__(self, received: int, reason: Optional[str] = None) -> None:
        super().__init__(received, reason)
        self.received = received
        self.reason = reason

    def __str__(self) -> str:
        if self.received == 0:
            return "the daemon closed the connection without a reply; its journal may say why: journalctl -u pipeforkas"
        reason = "" if self.reason is None else f"; {self.reason}"
        return f"the reply was cut short after {self.received} bytes: its end record is missing, and with it how the job ended{reason}"


class ProtocolError(PipeForkAsError):
    """The reply breaks the protocol. ``position`` is the number of bytes from the start of the reply to the fault."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(position, problem)
        self.position = position
        self.problem = problem

    def __str__(self) -> str:
        return f"the reply breaks the protocol at byte {self.position}: {_plain(self.problem, 400)}"


class OutputTooLargeError(PipeForkAsError):
    """A job wrote more than the limit. The client closed the connection, so the daemon cancels the job."""

    def __init__(self, stream: str, limit: int) -> None:
        super().__init__(stream, limit)
        self.stream = stream
        self.limit = limit

    def __str__(self) -> str:
        return f"the job wrote more than {self.limit} bytes to its {self.stream}; read it as a stream, or raise the limit"


class StreamError(PipeForkAsError):
    """A stream of the caller failed; ``__cause__`` says how. The client closed the connection, so the daemon cancels the job: a job must
    not take half of its input for the whole.
    """

    def __init__(self, stream: str, problem: str) -> None:
        super().__init__(stream, problem)
        self.stream = stream
        self.problem = problem

    def __str__(self) -> str:
        return f"cannot {'read' if self.stream == 'stdin' else 'write'} the {self.stream} of the job: {_plain(self.problem, 200)}"


class CancelledError(PipeForkAsError):
    """The program cancelled the job, or closed it, before it read the whole reply."""

    def __str__(self) -> str:
        return "the program cancelled the job before the end of its reply"


_HARMFUL = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _plain(text: str, most: Optional[int] = None) -> str:
    """Returns untrusted text as one line that cannot control a terminal; at most so many characters of it."""
    dots = "" if most is None or len(text) <= most else "..."
    return "".join(_plain_character(character) for character in text[:most]) + dots


def _plain_character(character: str) -> str:
    if " " <= character <= "~" or unicodedata.category(character) not in _HARMFUL:
        return character
    number = ord(character)
    return _SHORT.get(character) or (f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}")


def _request_line(members: Dict[str, Any]) -> bytes:
    """Returns a request as a line of JSON."""
    job, timeout, env, args = (members.get(name) for name in ("job", "timeout", "env", "args"))
    if job is not None and not (isinstance(job, str) and _JOB_NAME.match(job)):
        raise RequestError("job must be 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or a digit")
    if timeout is not None and not _is_time(timeout):
        raise RequestError("timeout must be a number of seconds over 0")
    if args is not None and not isinstance(args, Mapping):
        raise RequestError("args must be a mapping of names to values")
    if env is not None and not (isinstance(env, Mapping) and all(isinstance(text, str) for pair in env.items() for text in pair)):
        raise RequestError("env must be a mapping of strings to strings")
    request = {name: value for name, value in members.items() if value is not None}
    for name in ("args", "env"):
        if name in request:
            request[name] = dict(request[name])
    for name in ("user", "caller"):
        if name in request:
            request[name] = _user(name, request[name])
    if "ticket" in request and not (isinstance(request["ticket"], str) and _TICKET.match(request["ticket"])):
        raise RequestError("ticket must be the 43 characters that sign_in returned")
    request["reply"] = "frames"
    try:
        line = json.dumps(request, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_json_value).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as failure:
        raise RequestError(f"the request cannot be written as JSON: {failure}") from failure
    if len(line) > _MAX_REQUEST:
        raise RequestError(
            f"the request has {len(line)} bytes, at most {_MAX_REQUEST} are allowed; send large data as the job's standard input")
    return line


def _is_time(seconds: Any) -> bool:
    try:
        return isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 < float(seconds) < math.inf
    except OverflowError:
        return False


def _user(name: str, user: Any) -> str:
    if isinstance(user, int) and not isinstance(user, bool) and 0 <= user < 0xFFFFFFFF:
        return str(user)
    if isinstance(user, str) and user:
        return user
    raise RequestError(f"{name} must be a user name or a uid from 0 to 4294967294")


def _json_value(value: Any) -> Any:
    """Bytes become base64, as jobs take them (``pathBytes`` of the stock jobs)."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"a value of the type {type(value).__name__} is not one of JSON")


# The exit statuses of pipeforkas dial if it connects nothing; sysexits.h has the same numbers.
_UNREACHABLE, _UNTRUSTED = 69, 77

# How long to wait for the end of ssh after the end of its output, in seconds.
_END_GRACE = 5.0

# What OpenSSH 9.6 refuses in names, because its configuration can pass them to a shell: CVE-2023-51385. No spaces, only ASCII.
_SSH_NAME = re.compile(r"(?!-)[!-~]+\Z")
_OF_SHELLS = re.compile(r"['`\"$\\;&<>|(){},]")
_SSH_HOST = re.compile(
    r"(?:(?P<user>.*)@)?(?:\[(?P<address>[^\[\]]*:[^\[\]]*)\]|(?P<name>[^:@\[\]]*))(?::(?P<port>[0-9]{1,5}))?\Z", re.DOTALL)

# What needs no quotes in a shell: ssh passes the command to the shell of the account.
_SSH_PATH = re.compile(r"[A-Za-z0-9_./@%+=:,-]{0,107}\Z")


class _Host(NamedTuple):
    """A host that ssh reaches, and the path of the socket there; empty if the host decides."""

    text: str
    user: Optional[str]
    name: str
    port: Optional[str]
    path: str

    def arguments(self, daemon_uid: Optional[int]) -> List[str]:
        """The command line of ssh."""
        port = ["-p", self.port] if self.port else []
        user = ["-l", self.user] if self.user is not None else []
        socket = [f"--socket={self.path}"] if self.path else []
        uid = [] if daemon_uid == 0 else [f"--daemon-uid={'any' if daemon_uid is None else int(daemon_uid)}"]
        options = [*port, *user, "-T", "-e", "none", "-o", "BatchMode=yes"]
        return ["ssh", *options, "--", self.name, "pipeforkas", "dial", *socket, *uid]


_Address = Union[str, _Host]


def _host(text: str, path: str = "") -> _Host:
    found = _SSH_HOST.match(text[len("ssh://"):] if text.startswith("ssh://") else text)
    shown = _plain(text, 200)
    if found is None:
        raise RequestError(f"\"{shown}\" is not a host: a host is [user@]host[:port], an IPv6 address in brackets")
    user, name, port = found["user"], found["address"] or found["name"] or "", found["port"]
    for word in [name] if user is None else [user, name]:
        if not _SSH_NAME.match(word) or _OF_SHELLS.search(word):
            raise RequestError(f"\"{shown}\" is not a host: a part is empty, begins with '-', or has a character that ssh does not allow")
    if port is not None and not 1 <= int(port) <= 65535:
        raise RequestError(f"\"{shown}\" is not a host: the port must be 1 to 65535")
    if not _SSH_PATH.match(path):
        raise RequestError(f"\"{_plain(path, 200)}\" cannot be the path of a socket on another host: at most 107 of a-z A-Z 0-9 _./@%+=:,-")
    return _Host(text[len("ssh://"):] if text.startswith("ssh://") else text, user, name, port, path)


def _address(path: Optional[_PATH]) -> _Address:
    if path:
        given = os.fsdecode(path)
        if not given.startswith("ssh://"):
            return given
        host, slash, rest = given[len("ssh://"):].partition("/")
        return _host(host, slash + rest if rest else "")
    if host := os.environ.get(HOST_VARIABLE):
        return _host(host)
    return os.environ.get(SOCKET_VARIABLE) or DEFAULT_SOCKET


_sessions: Dict[str, threading.Semaphore] = {}
_sessions_lock = threading.Lock()


def _session_of(host: _Host) -> threading.Semaphore:
    with _sessions_lock:
        return _sessions.setdefault(host.text, threading.Semaphore(SSH_SESSIONS))


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(OSError):
        process.kill()


def _drain(process: "subprocess.Popen[bytes]", session: threading.Semaphore, words: bytearray) -> None:
    """Reads standard error to its end, so that ssh does not wait, and keeps the last bytes. The session is free when ssh has ended."""
    stream = cast(io.BufferedReader, process.stderr)
    with stream:
        while piece := stream.read1(4096):
            words += piece
            del words[:-4096]
    process.wait()
    session.release()


class _Ssh:
    """ssh as a child, with one socket as its standard input and output. The caller has taken a place of the sessions."""

    def __init__(self, host: _Host, daemon_uid: Optional[int], session: threading.Semaphore) -> None:
        self._host = host
        self._words = bytearray()
        self.socket, theirs = _socket.socketpair()
        try:
            self.socket.setblocking(False)
            self._process = subprocess.Popen(host.arguments(daemon_uid), stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
        except BaseException as failure:
            self.socket.close()
            session.release()
            if isinstance(failure, OSError):
                raise RemoteHostError(host.text, None, f"ssh: {failure.strerror}; install openssh-client") from failure
            raise
        finally:
            theirs.close()
        # It does not notice that its output is closed while it has nothing to write. So it is ended also if the program forgets the job.
        self._end = weakref.finalize(self, _kill, self._process)
        # The thread must not refer to this object.
        self._watch = threading.Thread(target=_drain, args=(self._process, session, self._words), name="pipeforkas-ssh", daemon=True)
        self._watch.start()

    def close(self, is_complete: bool) -> None:
        """Ends ssh, unless the reply is complete: then it ends by itself, and can share its connection with other sessions."""
        if is_complete:
            self._end.detach()
        else:
            self._end()

    def error(self, received: int) -> PipeForkAsError:
        """Waits for the end of ssh, and returns why there is no end record."""
        status: Optional[int] = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(_END_GRACE)
        self._watch.join(_END_GRACE)
        words = bytes(self._words).decode("utf-8", "replace")
        error = RemoteHostError(self._host.text, status if status is not None and status >= 0 else None, words)
        return ReplyCutShortError(received, str(error)) if received else error


class _Broken(Exception):
    """The connection through ssh ended before the end record."""


def _connect_once(path: str, daemon_uid: Optional[int]) -> Optional[_socket.socket]:
    """Connects, and checks which process listens before anything is sent. Returns None if the queue of the socket is full."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        # On a socket that does not block, connect(2) fails with EAGAIN while the queue is full; it would wait without end otherwise.
        connection.setblocking(False)
        try:
            if "\0" in path:
                raise OSError("the path has a NUL character")
            connection.connect(path)
        except BlockingIOError:
            connection.close()
            return None
        except (OSError, UnicodeError) as failure:
            number = failure.errno if isinstance(failure, OSError) else None
            problem = failure.strerror if isinstance(failure, OSError) else None
            raise UnreachableError(path, number, problem or str(failure)) from failure
        if daemon_uid is not None:
            _, uid, _ = struct.unpack("=iII", connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12))
            if uid != daemon_uid:
                raise UntrustedDaemonError(path, uid, daemon_uid)
        return connection
    except BaseException:
        connection.close()
        raise


def _pauses(path: str) -> Iterator[float]:
    """The pauses between attempts to connect, in seconds."""
    pause, end = 0.001, time.monotonic() + _QUEUE_TIMEOUT
    while time.monotonic() < end:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE)
    raise UnreachableError(path, _errno.EAGAIN, os.strerror(_errno.EAGAIN))


def _connect(path: _Address, daemon_uid: Optional[int]) -> Tuple[_socket.socket, Optional[_Ssh]]:
    if isinstance(path, _Host):
        session = _session_of(path)
        session.acquire()
        ssh = _Ssh(path, daemon_uid, session)
        return ssh.socket, ssh
    for pause in _pauses(path):
        connection = _connect_once(path, daemon_uid)
        if connection is not None:
            return connection, None
        time.sleep(pause)
    raise AssertionError("the pauses end with an error")


async def _connect_async(path: _Address, daemon_uid: Optional[int]) -> Tuple[_socket.socket, Optional[_Ssh]]:
    if isinstance(path, _Host):
        session = _session_of(path)
        while not session.acquire(blocking=False):
            await asyncio.sleep(_LONGEST_PAUSE)
        ssh = _Ssh(path, daemon_uid, session)
        return ssh.socket, ssh
    for pause in _pauses(path):
        connection = _connect_once(path, daemon_uid)
        if connection is not None:
            return connection, None
        await asyncio.sleep(pause)
    raise AssertionError("the pauses end with an error")


class _Parser:
    """Finds the frames in a reply, however the socket splits it, and checks its rules: known types, lengths within the limits, the end
    record once and last. Keeps nothing but the end record.
    """

    def __init__(self) -> None:
        self.position = 0
        self.end: Optional[CompletedJob[bytes]] = None
        self._header = bytearray()
        self._record = bytearray()
        self._kind = 0
        self._left = 0

    def feed(self, received: bytes) -> List[_Piece]:
        """Returns the pieces of output in some bytes of the reply."""
        pieces: List[_Piece] = []
        view, start = memoryview(received), 0
        while start < len(view):
            if self.end is not None:
                raise ProtocolError(self.position, "bytes follow the end record, which comes last")
            if len(self._header) < _HEADER.size:
                taken = view[start:start + _HEADER.size - len(self._header)]
                self._header += taken
                self._advance(len(taken))
                if len(self._header) == _HEADER.size:
                    self._begin()
            else:
                taken = view[start:start + self._left]
                self._left -= len(taken)
                self._advance(len(taken))
                if self._kind == _END:
                    self._record += taken
                else:
                    pieces.append((self._kind, bytes(taken)))
                self._finish()
            start += len(taken)
        return pieces

    def _advance(self, count: int) -> None:
        self.position += count

    def _begin(self) -> None:
        kind, *zeros, self._left = _HEADER.unpack(self._header)
        start = self.position - _HEADER.size
        if kind not in (_STDOUT, _STDERR, _END) or any(zeros):
            raise ProtocolError(start, f"a frame begins with 0x{self._header[:4].hex()}, which is not a type of this protocol")
        most = _MAX_END if kind == _END else _MAX_FRAME
        if self._left > most:
            raise ProtocolError(start, f"a frame of type {kind} announces {self._left} bytes, at most {most} are allowed")
        self._kind = kind
        self._finish()

    def _finish(self) -> None:
        if self._left == 0:
            self._header.clear()
            if self._kind == _END:
                self.end = _read_end(bytes(self._record), self.position - len(self._record))


def _read_json(content: bytes) -> Any:
    """Reads JSON of an untrusted sender; raises a ValueError."""
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_constant, parse_int=_short_int)
        if b"\\u" in content:
            # Half of a surrogate pair is not a character: it cannot be encoded.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")


def _short_int(digits: str) -> int:
    # Python needs time by the square of the length.
    if len(digits) > 100:
        raise ValueError("a number is too long")
    return int(digits)


def _read_end(record: bytes, start: int) -> "CompletedJob[bytes]":
    try:
        members = _read_json(record)
        if not isinstance(members, dict):
            raise ValueError("it is not an object")
        error = _member(members, "error", dict)
        code = _member(members, "code", str)
        if code is None or not _CODE.match(code):
            raise ValueError("it has no code")
        exit_code, signal = _number(members, "exit", 0, 255), _number(members, "signal", 1, 64)
        if _is_contradiction(code, exit_code, signal):
            raise ValueError("its exit or signal does not fit its code")
        return CompletedJob(
            code=code,
            exit_code=exit_code,
            signal=signal,
            message=_member(members, "message", str),
            error=None if error is None else _error_info(error),
            job=_member(members, "job", str),
            user=_member(members, "user", str),
            uid=_number(members, "uid", 0, 0xFFFFFFFF),
            pid=_number(members, "pid", 1, 0x7FFFFFFF),
            stdout_bytes=_number(members, "stdout", 0, 0x7FFFFFFFFFFFFFFF) or 0,
            stderr_bytes=_number(members, "stderr", 0, 0x7FFFFFFFFFFFFFFF) or 0,
            seconds=_seconds(members, "seconds") or 0.0,
            cpu_seconds=_seconds(members, "cpu"),
            max_rss=_number(members, "maxrss", 0, 0x7FFFFFFFFFFFFFFF),
            stdout=b"",
            stderr=b"")
    except ValueError as failure:
        raise ProtocolError(start, f"the end record cannot be read: {failure}") from failure


def _is_contradiction(code: str, exit_code: Optional[int], signal: Optional[int]) -> bool:
    """Whether a program could take a failure for a success, or has no reason of a failure. A refused operation has no exit code."""
    if code == "ok":
        return exit_code not in (None, 0) or signal is not None
    if code == "failed":
        return exit_code == 0 or signal is not None
    return code == "signaled" and (exit_code is not None or signal is None)


def _error_info(error: Dict[str, Any]) -> ErrorInfo:
    kind, message = _member(error, "type", str), _member(error, "message", str)
    if kind is None or message is None:
        raise ValueError("its error has no type or no message")
    return ErrorInfo(kind, message, _number(error, "errno", -0x80000000, 0x7FFFFFFF))


def _member(members: Dict[str, Any], name: str, kind: Type[_T]) -> Optional[_T]:
    value = members.get(name)
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"{name} has a wrong type")
    return value


def _number(members: Dict[str, Any], name: str, least: int, most: int) -> Optional[int]:
    value = _member(members, name, int)
    if value is not None and (isinstance(value, bool) or not least <= value <= most):
        raise ValueError(f"{name} must be {least} to {most}")
    return value


def _seconds(members: Dict[str, Any], name: str) -> Optional[float]:
    value = members.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite number, not negative")
    return float(value)


class _Reply:
    """The reply of a job, as far as it has arrived: the part that does not depend on how the client waits."""

    def __init__(self, stdout: _Output, stderr: _Output, limit: int) -> None:
        self.parser = _Parser()
        self.result: Optional[CompletedJob[bytes]] = None
        self._sinks = {_STDOUT: stdout, _STDERR: stderr}
        self._limit = limit
        self._pieces: Deque[_Piece] = collections.deque()
        # Not a list of pieces: an object for each byte of a job that writes single bytes needs many times the memory.
        self._kept = {_STDOUT: bytearray(), _STDERR: bytearray()}

    def take(self, received: bytes) -> None:
        """Takes bytes of the reply. Output for a stream of the caller is written there at once."""
        for kind, piece in self.parser.feed(received):
            sink = self._sinks[kind]
            if sink is None:
                self._pieces.append((kind, piece))
            elif not isinstance(sink, int):
                try:
                    _write_all(sink, piece)
                except Exception as failure:
                    raise StreamError(_NAMES[kind], str(failure)) from failure

    def next_piece(self) -> Optional[_Piece]:
        """Returns a piece that arrived and that nothing took."""
        for kind, kept in self._kept.items():
            if kept:
                return kind, self.take_kept(kind)
        return self._pieces.popleft() if self._pieces else None

    def next_of(self, kind: int) -> Optional[bytes]:
        """Returns the next piece of one stream, and keeps those of the other one, within the limit."""
        if self._kept[kind]:
            return self.take_kept(kind)
        while self._pieces:
            found, piece = self._pieces.popleft()
            if found == kind:
                return piece
            if len(piece) > self._limit - len(self._kept[found]):
                raise OutputTooLargeError(_NAMES[found], self._limit)
            self._kept[found] += piece
        return None

    def take_kept(self, kind: int) -> bytes:
        """Returns what is kept of one stream, and keeps it no longer."""
        kept = bytes(self._kept[kind])
        self._kept[kind].clear()
        return kept

    def check(self) -> None:
        """Raises a JobError if the job did not succeed; it has the standard error that nothing read."""
        if self.result is not None and not self.result.ok:
            raise JobError(dataclasses.replace(self.result, stderr=bytes(self._kept[_STDERR])))

    def finish(self) -> None:
        """Called when the connection ended after the end record."""
        self.result = self.parser.end


def _write_all(sink: BinaryIO, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        written = sink.write(view)
        if written is None:
            # Writers of Python's own that are not files return nothing, and have taken all. A file that does not block could not take it.
            if isinstance(sink, io.RawIOBase):
                raise BlockingIOError(_errno.EAGAIN, os.strerror(_errno.EAGAIN))
            return
        view = view[written:]


class _Source:
    """The input of a job: bytes, a file, or an iterable of bytes."""

    def __init__(self, source: Union[_Input, _AsyncInput]) -> None:
        self.fd: Optional[int] = None
        self.is_async = False
        self._is_file = False
        self._next: Callable[[], Any]
        if source is None or isinstance(source, (bytes, bytearray, memoryview, str)):
            content = source.encode() if isinstance(source, str) else source
            self._next = iter([] if content is None else [content]).__next__
        elif hasattr(source, "read"):
            self._is_file = True
            read = cast(BinaryIO, source).read
            if isinstance(source, (io.FileIO, io.BufferedReader, io.BufferedRandom)):
                # These can be a pipe or a terminal, on which a read could wait while the job waits for its output to be read.
                self.fd = source.fileno()
                read = getattr(source, "read1", read)
            self._next = lambda: read(_BUFFER)
        elif hasattr(source, "__aiter__"):
            self.is_async = True
            self._next = cast(Any, source).__aiter__().__anext__
        elif hasattr(source, "__iter__"):
            self._next = iter(source).__next__
        else:
            raise TypeError("input must be bytes, a string, a binary file, or an iterable of bytes")

    def read(self) -> Optional[memoryview]:
        """Returns the next bytes, which can be none; None at the end."""
        try:
            return self._checked(self._next())
        except StopIteration:
            return None
        except Exception as failure:
            raise StreamError("stdin", str(failure) or type(failure).__name__) from failure

    async def read_async(self) -> Optional[memoryview]:
        """The same for an asynchronous iterable."""
        try:
            return self._checked(await self._next())
        except StopAsyncIteration:
            return None
        except Exception as failure:
            raise StreamError("stdin", str(failure) or type(failure).__name__) from failure

    def _checked(self, piece: Any) -> Optional[memoryview]:
        if piece is None and self._is_file:
            # A file that does not block has nothing at present.
            return memoryview(b"")
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"the input gave a {type(piece).__name__} in place of bytes")
        # A file ends with an empty piece; an iterable can give one at any time.
        return None if self._is_file and not piece else memoryview(piece).cast("B")


class _Connection:
    """A connection with a request: the parts that do not wait."""

    def __init__(self, connection: Tuple[_socket.socket, Optional[_Ssh]], reply: _Reply) -> None:
        self.socket, self.ssh = connection
        self.reply = reply
        self.is_cancelled = False
        self.failure: Optional[BaseException] = None

    def receive(self) -> bool:
        """Receives what has arrived. Returns False at the end of the reply; raises BlockingIOError if nothing has arrived."""
        parser = self.reply.parser
        try:
            received = self.socket.recv(_BUFFER)
        except ConnectionResetError:
            # The daemon closed the connection before it read all of the input.
            received = b""
        if received:
            self.reply.take(received)
            return True
        if self.is_cancelled:
            raise CancelledError()
        if self.failure is not None:
            raise self.failure
        if parser.end is None:
            raise _Broken() if self.ssh is not None else ReplyCutShortError(parser.position)
        self.reply.finish()
        return False

    def close(self) -> None:
        """Closes the connection; the daemon cancels a job that still runs."""
        self.socket.close()
        if self.ssh is not None:
            self.ssh.close(self.reply.parser.end is not None)

    def send(self, data: memoryview) -> Optional[memoryview]:
        """Sends what the socket takes. Returns what is left; None if the daemon reads no more, of which the reply says why."""
        try:
            return data[self.socket.send(data, _socket.MSG_NOSIGNAL):]
        except BlockingIOError:
            return data
        except (BrokenPipeError, ConnectionResetError):
            return None

    def end_input(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(_socket.SHUT_WR)

    def cancel(self) -> None:
        """Ends the connection in both directions: a wait for it returns, also in another thread."""
        if self.reply.result is None:
            self.is_cancelled = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(_socket.SHUT_RDWR)


class _OutputFile(io.RawIOBase):
    """One output of a job as a file."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        super().__init__()
        self._read = read
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(self._read())
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class _OutputReader(io.BufferedReader):
    """An output of a job as a buffered file. A line, and a read to the end, has at most so many bytes: a job can write without end."""

    def __init__(self, name: str, read: Callable[[], bytes], limit: int, cancel: Callable[[], None]) -> None:
        super().__init__(_OutputFile(read), _BUFFER)
        self._name = name
        self._limit = limit
        self._cancel = cancel

    def read(self, size: Optional[int] = -1, /) -> bytes:
        if size is not None and size >= 0:
            return super().read(size)
        content = bytearray()
        while piece := self.read1(_BUFFER):
            content += piece
            self._check(content)
        return bytes(content)

    def readline(self, size: Optional[int] = -1, /) -> bytes:
        if size is not None and size >= 0:
            return super().readline(size)
        line = super().readline(min(self._limit, _LONGEST) + 1)
        self._check(line)
        return line

    def _check(self, content: _Bytes) -> None:
        if len(content) > self._limit:
            self._cancel()
            raise OutputTooLargeError(self._name, self._limit)


class _InputFile(io.RawIOBase):
    """The input of a job as a file. It is not buffered, and writes all that it gets."""

    def __init__(self, write: Callable[[memoryview], None], end: Callable[[], None]) -> None:
        super().__init__()
        self._write = write
        self._end = end

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.closed:
            raise ValueError("the input of the job is closed")
        view = memoryview(data).cast("B")
        self._write(view)
        return len(view)

    def close(self) -> None:
        if not self.closed:
            self._end()
            super().close()


class Job:
    """A running job, as ``subprocess.Popen``; :func:`open` starts it. Use it in a ``with`` block: at its end the connection is closed, and
    the daemon cancels a job that still runs.

    The job waits while the program does not read: the client keeps at most ``limit`` bytes of one output while the program reads the
    other one.
    """

    def __init__(self, connection: _Connection, source: Optional[_Source], checked: bool, limit: int) -> None:
        self._connection = connection
        self._reply = connection.reply
        self._source = source
        self._pending: Optional[memoryview] = None
        self._lock = threading.RLock()
        self._checked = checked
        self._is_closed = False
        self.stdin: Optional[BinaryIO] = None
        """The standard input of the job, for ``input=PIPE``. Closing it is the end of the input. A write waits while the job does not
        read: a program that writes much while it does not read the outputs can wait for ever."""
        if source is None:
            self.stdin = cast(BinaryIO, _InputFile(self._write, connection.end_input))
        self.stdout: BinaryIO = cast(BinaryIO, _OutputReader("stdout", lambda: self._read(_STDOUT), limit, self.cancel))
        """The standard output of the job. Its end comes only after a complete reply; if that breaks off, a read raises an error."""
        self.stderr: BinaryIO = cast(BinaryIO, _OutputReader("stderr", lambda: self._read(_STDERR), limit, self.cancel))
        """The standard error of the job."""

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Tuple[str, bytes]]:
        """Yields the outputs in their order: ``("stdout", piece)`` or ``("stderr", piece)``, each of at least one byte."""
        while True:
            with self._lock:
                piece = self._reply.next_piece()
                if piece is None and not self._transfer():
                    break
            if piece is not None:
                yield _NAMES[piece[0]], piece[1]
        self._check_result()

    @property
    def result(self) -> Optional["CompletedJob[bytes]"]:
        """How the job ended; None until the whole reply was read."""
        return self._reply.result

    def wait(self, check: bool = False) -> "CompletedJob[bytes]":
        """Reads the rest of the reply, discards the outputs in it, and returns how the job ended.

        Raises a :class:`JobError` if ``check`` is true and the job did not succeed.
        """
        for _ in self:
            pass
        result = cast("CompletedJob[bytes]", self._reply.result)
        if check:
            result.check_returncode()
        return result

    def cancel(self) -> None:
        """Closes the connection; the daemon cancels the job. Later reads raise a :class:`CancelledError`. Any thread can call this."""
        self._connection.cancel()

    def close(self) -> None:
        """Ends the use of the job: cancels it if it still runs."""
        self._connection.cancel()
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._connection.close()
                self._source = None

    def _check_result(self) -> None:
        if self._checked:
            self._reply.check()

    def _read(self, kind: int) -> bytes:
        while True:
            with self._lock:
                try:
                    piece = self._reply.next_of(kind)
                except OutputTooLargeError:
                    self.close()
                    raise
                if piece is not None:
                    return piece
                if not self._transfer():
                    self._check_result()
                    return b""

    def _write(self, data: memoryview) -> None:
        if self._is_closed or not _send_all(self._connection, data) or self._connection.is_cancelled:
            raise BrokenPipeError(_errno.EPIPE, "the job reads no more input")

    def _transfer(self) -> bool:
        """Waits until the client can send or receive, and does so. Returns False at the end of the reply."""
        if self._reply.result is not None:
            return False
        if self._is_closed or self._connection.is_cancelled:
            raise CancelledError()
        try:
            return self._receive_end() if self._reply.parser.end is not None else self._transfer_some()
        except _Broken:
            error = cast(_Ssh, self._connection.ssh).error(self._reply.parser.position)
            self.close()
            raise error from None
        except (PipeForkAsError, OSError):
            self.close()
            raise

    def _transfer_some(self) -> bool:
        fd, source = self._connection.socket.fileno(), self._source
        wanted, timeout = {fd: select.POLLIN}, None
        if self._pending:
            wanted[fd] |= select.POLLOUT
        elif source is not None and source.fd is not None:
            wanted[source.fd] = select.POLLIN
        elif source is not None:
            timeout = 0.0
        events = _poll(wanted, timeout)
        if events.get(fd, 0) & ~select.POLLOUT:
            return self._connection.receive()
        if self._pending:
            self._pending = self._connection.send(self._pending)
            if self._pending is None:
                self._source = None
        elif source is not None and (source.fd is None or source.fd in events):
            self._pending = source.read()
            if self._pending is None:
                self._source = None
                self._connection.end_input()
        return True

    def _receive_end(self) -> bool:
        """Expects the end of the connection after the end record."""
        if _poll({self._connection.socket.fileno(): select.POLLIN}, _CLOSE_GRACE):
            return self._connection.receive()
        # The daemon keeps the connection open; the reply is complete.
        self._reply.finish()
        return False


def _send_all(connection: _Connection, data: memoryview) -> bool:
    """Sends all bytes; returns False if the daemon reads no more."""
    left = connection.send(data)
    while left:
        _poll({connection.socket.fileno(): select.POLLOUT}, None)
        left = connection.send(left)
    return left is not None


def _poll(wanted: Mapping[int, int], timeout: Optional[float]) -> Dict[int, int]:
    poll = select.poll()
    for fd, events in wanted.items():
        poll.register(fd, events)
    return dict(poll.poll(None if timeout is None else timeout * 1000))


def _start(
        line: bytes, source: Optional[_Source], path: _Address, daemon_uid: Optional[int], reply: _Reply, limit: int,
        checked: bool = False) -> Job:
    connection = _Connection(_connect(path, daemon_uid), reply)
    job = Job(connection, source, checked, limit)
    try:
        _send_all(connection, memoryview(line))
    except BaseException:
        job.close()
        raise
    return job


def open(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None,
        input: Union[_Input, int] = None, env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None, check: bool = False,
        stdout: _Output = None, stderr: _Output = None, limit: int = DEFAULT_LIMIT, socket: Optional[_PATH] = None,
        daemon_uid: Optional[int] = 0, ticket: Optional[str] = None) -> Job:
    """Starts a job whose streams the program uses while it runs.

    The parameters are those of :func:`run`, and:

    input: also ``PIPE``; then the program writes to ``job.stdin``.
    stdout, stderr: None: the program reads ``job.stdout`` and ``job.stderr``, or iterates over the job.
    limit: the most bytes of one line or of a read to the end, and the most that are kept of one output while the program reads the
        other one.
    check: the end of the outputs of a job that did not succeed raises a :class:`JobError`.
    """
    line = _job_line("run", job, user, args, env, timeout, ticket=ticket)
    if isinstance(input, int) and input != PIPE:
        raise TypeError("input must be bytes, a string, a binary file, an iterable of bytes, or PIPE")
    source = None if isinstance(input, int) else _Source(input)
    if source is not None and source.is_async:
        raise TypeError("an asynchronous iterable is an input for open_async and run_async")
    return _start(line, source, _address(socket), daemon_uid, _Reply(stdout, stderr, limit), limit, check)


def _job_line(
        operation: str, job: str, user: Union[None, str, int], args: Optional[Mapping[str, Any]], env: Optional[Mapping[str, str]],
        timeout: Optional[float], caller: Union[None, str, int] = None, ticket: Optional[str] = None) -> bytes:
    if job is None:
        raise RequestError("job is missing")
    return _request_line({
        "op": None if operation == "run" else operation, "job": job, "user": user, "caller": caller, "args": args, "env": env,
        "timeout": timeout, "ticket": ticket})


class _Kept:
    """The outputs of a job in memory, within a limit for each."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._outputs = {"stdout": bytearray(), "stderr": bytearray()}

    def add(self, stream: str, piece: bytes) -> None:
        output = self._outputs[stream]
        if len(piece) > self._limit - len(output):
            raise OutputTooLargeError(stream, self._limit)
        output += piece

    def complete(self, result: "CompletedJob[bytes]", decoding: Optional[Tuple[str, str]]) -> "CompletedJob[Any]":
        """Returns the result with the outputs, as text if a decoding is given."""
        outputs: Dict[str, Any] = {name: bytes(output) for name, output in self._outputs.items()}
        if decoding is not None:
            outputs = {name: output.decode(*decoding) for name, output in outputs.items()}
        return dataclasses.replace(result, **outputs)


@overload
def run(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None, input: _Input = None,
        env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None, check: bool = False, stdout: _Output = None,
        stderr: _Output = None, limit: int = DEFAULT_LIMIT, text: Literal[False] = False, encoding: str = "utf-8",
        errors: str = "strict", socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0,
        ticket: Optional[str] = None) -> "CompletedJob[bytes]":
    ...


@overload
def run(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None, input: _Input = None,
        env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None, check: bool = False, stdout: _Output = None,
        stderr: _Output = None, limit: int = DEFAULT_LIMIT, text: Literal[True], encoding: str = "utf-8",
        errors: str = "strict", socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0,
        ticket: Optional[str] = None) -> "CompletedJob[str]":
    ...


def run(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None, input: _Input = None,
        env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None, check: bool = False, stdout: _Output = None,
        stderr: _Output = None, limit: int = DEFAULT_LIMIT, text: bool = False, encoding: str = "utf-8", errors: str = "strict",
        socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0, ticket: Optional[str] = None) -> "CompletedJob[Any]":
    """Runs a job to its end, as ``subprocess.run`` runs a program.

    job: the name of the job.
    user: the user to run the job as, a name or a uid. Default: the calling user.
    args: the arguments of the job. Bytes become base64.
    input: the standard input of the job: bytes, a string (UTF-8), a binary file, or an iterable of bytes. Default: none. A pipe or a
        terminal is read only when bytes are there, and no more once the job has ended.
    env: environment variables, those that the job allows.
    timeout: seconds that the job may run. It can only shorten the configured time. The code is ``timeout`` then.
    check: raise a :class:`JobError` if the job does not succeed.
    stdout, stderr: a binary file that gets the output while the job runs, or ``DEVNULL``. Default: the output is in the result.
    limit: the most bytes to keep of each output.
    text: the outputs in the result are text, decoded with ``encoding`` and ``errors``.
    ticket: a ticket of the user, from :func:`sign_in`, for rules with ``RequireSignIn``.

    An error of the daemon, the connection or the reply is always raised: see :class:`PipeForkAsError`. What ends the call early, also
    KeyboardInterrupt, closes the connection, and the daemon cancels the job.
    """
    kept = _Kept(limit)
    with open(
            job, user=user, args=args, input=input, env=env, timeout=timeout, stdout=stdout, stderr=stderr, limit=limit, socket=socket,
            daemon_uid=daemon_uid, ticket=ticket) as running:
        for stream, piece in running:
            kept.add(stream, piece)
    result = kept.complete(cast("CompletedJob[bytes]", running.result), (encoding, errors) if text else None)
    if check:
        result.check_returncode()
    return result


def _ask(line: bytes, socket: Optional[_PATH], daemon_uid: Optional[int], input: Optional[bytes] = None) -> "CompletedJob[bytes]":
    """Requests an operation that runs no job; returns its output."""
    kept = _Kept(DEFAULT_LIMIT)
    with _start(line, _Source(input), _address(socket), daemon_uid, _Reply(None, None, DEFAULT_LIMIT), DEFAULT_LIMIT) as asked:
        for stream, piece in asked:
            kept.add(stream, piece)
    return kept.complete(cast("CompletedJob[bytes]", asked.result), None)


def _read_output(result: "CompletedJob[bytes]", kind: Type[_T]) -> _T:
    """Reads the JSON that an operation returned."""
    try:
        value = _read_json(result.stdout)
        if not isinstance(value, kind):
            raise ValueError("it has a wrong type")
        return value
    except ValueError as failure:
        raise ProtocolError(_HEADER.size, f"the output is not the JSON of this operation: {failure}") from failure


def _answer(result: "CompletedJob[bytes]", kind: Type[_T]) -> _T:
    result.check_returncode()
    return _read_output(result, kind)


def _check_answer(result: "CompletedJob[bytes]") -> CheckResult:
    if result.code != "denied" or not result.stdout:
        result.check_returncode()
    return cast(CheckResult, _read_output(result, dict))


def _descriptions(result: "CompletedJob[bytes]") -> List[JobDescription]:
    descriptions = _answer(result, list)
    if not all(isinstance(description, dict) for description in descriptions):
        raise ProtocolError(_HEADER.size, "the list has an element that is not an object")
    return cast(List[JobDescription], descriptions)


def _sign_in_line(user: str, password: Union[str, _Bytes]) -> Tuple[bytes, bytes]:
    if not isinstance(user, str) or user.isdecimal():
        raise RequestError("user must be the name of a user")
    try:
        secret = password.encode() if isinstance(password, str) else bytes(password)
    except UnicodeEncodeError as failure:
        raise RequestError(f"the password is not valid Unicode at its character {failure.start + 1}") from None
    return _request_line({"op": "sign-in", "user": user}), secret


def _ticket(result: "CompletedJob[bytes]") -> SignInTicket:
    answer = _answer(result, dict)
    if not (isinstance(answer.get("ticket"), str) and _TICKET.match(answer["ticket"])):
        raise ProtocolError(_HEADER.size, "the reply has no ticket")
    return cast(SignInTicket, answer)


def _sign_out_line(ticket: str) -> bytes:
    if not isinstance(ticket, str):
        raise RequestError("ticket must be the 43 characters that sign_in returned")
    return _request_line({"op": "sign-out", "ticket": ticket})


def _cancel_line(id: int) -> bytes:
    if isinstance(id, bool) or not isinstance(id, int) or not 1 <= id <= 0x7FFFFFFFFFFFFFFF:
        raise RequestError("id must be the number of a running job, 1 or more; status tells it")
    return _request_line({"op": "cancel", "id": id})


def list_jobs(*, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> List[JobDescription]:
    """Lists the jobs that the caller can run as at least one user, for root all jobs."""
    return _descriptions(_ask(_request_line({"op": "list"}), socket, daemon_uid))


def describe(job: str, *, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> JobDescription:
    """Describes a job. Raises a :class:`JobError` if there is no such job that the caller can run."""
    return cast(JobDescription, _answer(_ask(_job_line("describe", job, None, None, None, None), socket, daemon_uid), dict))


def check(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None,
        env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None, caller: Union[None, str, int] = None,
        socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0, ticket: Optional[str] = None) -> CheckResult:
    """Decides whether the daemon would run a job, and as which user, without running it.

    caller: the caller to decide for; for root alone. The other parameters are those of :func:`run`.
    """
    return _check_answer(_ask(_job_line("check", job, user, args, env, timeout, caller, ticket), socket, daemon_uid))


def status(*, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> DaemonStatus:
    """Returns the status of the daemon, and the running jobs with their ids: for root all, otherwise those that the caller requested."""
    return cast(DaemonStatus, _answer(_ask(_request_line({"op": "status"}), socket, daemon_uid), dict))


def cancel(id: int, *, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> None:
    """Cancels the running job with an id of :func:`status`; does not wait for its end.

    Raises a :class:`JobError` with the code ``unknown-job`` if the caller has no such job.
    """
    _ask(_cancel_line(id), socket, daemon_uid).check_returncode()


def sign_in(user: str, password: Union[str, _Bytes], *, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> SignInTicket:
    """Proves to the daemon, by the user's password, that the user is there. The daemon asks PAM.

    user: the name of the user.
    password: text (UTF-8) or bytes, at most 1024 bytes.

    Raises a :class:`JobError`: with the code ``denied`` if the name or the password is wrong, if the account cannot be used, or if this
    caller may not sign users in; with ``busy`` after too many failures.
    """
    line, secret = _sign_in_line(user, password)
    return _ticket(_ask(line, socket, daemon_uid, secret))


def sign_out(ticket: str, *, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> None:
    """Ends a ticket. Returns also if the ticket was not valid."""
    _ask(_sign_out_line(ticket), socket, daemon_uid).check_returncode()


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def _ready(fd: int, for_writing: bool) -> None:
    """Waits until a descriptor is ready, without reading or writing: a wait that is cancelled loses nothing."""
    loop = asyncio.get_running_loop()
    future: "asyncio.Future[None]" = loop.create_future()
    if for_writing:
        loop.add_writer(fd, _wake, future)
    else:
        loop.add_reader(fd, _wake, future)
    try:
        await future
    finally:
        if for_writing:
            loop.remove_writer(fd)
        else:
            loop.remove_reader(fd)


class AsyncOutput:
    """One output of an :class:`AsyncJob`. It is for one reader; asynchronous iteration yields its lines."""

    def __init__(self, name: str, read: Callable[[], Any], limit: int, cancel: Callable[[], None]) -> None:
        self._name = name
        self._next = read
        self._limit = limit
        self._cancel = cancel
        self._buffer = bytearray()
        self._searched = 0

    async def read(self, most: int = -1) -> bytes:
        """Reads at least one byte and at most so many; b"" at the end. -1: reads to the end."""
        if most == 0:
            return b""
        if most < 0:
            while piece := await self._next():
                self._buffer += piece
                self._check(len(self._buffer))
            most = len(self._buffer)
        elif not self._buffer:
            self._buffer += await self._next()
        return self._take(most)

    async def readline(self) -> bytes:
        """Reads a line with its line feed; the last one can be without. b"" at the end."""
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            self._check(self._searched)
            piece = await self._next()
            if not piece:
                return self._take(len(self._buffer))
            self._buffer += piece
        self._check(end + 1)
        return self._take(end + 1)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while line := await self.readline():
            yield line

    def _check(self, length: int) -> None:
        if length > self._limit:
            self._cancel()
            raise OutputTooLargeError(self._name, self._limit)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._searched = 0
        return taken


class AsyncInput:
    """The standard input of an :class:`AsyncJob`, for ``input=PIPE``."""

    def __init__(self, write: Callable[[memoryview], Any], end: Callable[[], None]) -> None:
        self._write = write
        self._end = end
        self._is_closed = False

    async def write(self, data: _Bytes) -> None:
        """Sends all bytes; waits while the job does not read. Raises BrokenPipeError if the job reads no more."""
        if self._is_closed:
            raise ValueError("the input of the job is closed")
        await self._write(memoryview(data).cast("B"))

    def close(self) -> None:
        """Ends the input."""
        if not self._is_closed:
            self._is_closed = True
            self._end()


class AsyncJob:
    """A running job; :func:`open_async` starts it. Use it in an ``async with`` block: at its end the connection is closed, and the daemon
    cancels a job that still runs. So does the cancellation of the task. It belongs to one event loop.
    """

    def __init__(self, connection: _Connection, source: Optional[_Source], checked: bool, limit: int) -> None:
        self._connection = connection
        self._reply = connection.reply
        self._receiving = asyncio.Lock()
        self._sending = asyncio.Lock()
        self._checked = checked
        self._is_closed = False
        self._sender: Optional["asyncio.Task[None]"] = None
        self.stdin: Optional[AsyncInput] = None
        """The standard input of the job, for ``input=PIPE``."""
        if source is None:
            self.stdin = AsyncInput(self._write, connection.end_input)
        else:
            self._sender = asyncio.ensure_future(self._send_source(source))
        self.stdout = AsyncOutput("stdout", lambda: self._read(_STDOUT), limit, self.cancel)
        """The standard output of the job. Its end comes only after a complete reply; if that breaks off, a read raises an error."""
        self.stderr = AsyncOutput("stderr", lambda: self._read(_STDERR), limit, self.cancel)
        """The standard error of the job."""

    async def __aenter__(self) -> "AsyncJob":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncIterator[Tuple[str, bytes]]:
        """Yields the outputs in their order: ``("stdout", piece)`` or ``("stderr", piece)``, each of at least one byte."""
        while True:
            async with self._receiving:
                piece = self._reply.next_piece()
                if piece is None and not await self._receive():
                    break
            if piece is not None:
                yield _NAMES[piece[0]], piece[1]
        self._check_result()

    @property
    def result(self) -> Optional["CompletedJob[bytes]"]:
        """How the job ended; None until the whole reply was read."""
        return self._reply.result

    async def wait(self, check: bool = False) -> "CompletedJob[bytes]":
        """Reads the rest of the reply, discards the outputs in it, and returns how the job ended."""
        async for _ in self:
            pass
        result = cast("CompletedJob[bytes]", self._reply.result)
        if check:
            result.check_returncode()
        return result

    def cancel(self) -> None:
        """Closes the connection; the daemon cancels the job. Later reads raise a :class:`CancelledError`."""
        self._connection.cancel()

    async def aclose(self) -> None:
        """Ends the use of the job: cancels it if it still runs."""
        self._connection.cancel()
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._sender is not None:
                self._sender.cancel()
                await asyncio.wait([self._sender])
            # A reader in another task sees the end of the connection before its descriptor is gone.
            async with self._receiving:
                pass
        finally:
            self._connection.close()

    def _check_result(self) -> None:
        if self._checked:
            self._reply.check()

    async def _read(self, kind: int) -> bytes:
        while True:
            async with self._receiving:
                try:
                    piece = self._reply.next_of(kind)
                except OutputTooLargeError:
                    self._connection.cancel()
                    raise
                if piece is not None:
                    return piece
                if not await self._receive():
                    self._check_result()
                    return b""

    async def _receive(self) -> bool:
        """Waits for bytes of the reply and takes them. Returns False at the end of the reply."""
        if self._reply.result is not None:
            return False
        if self._is_closed:
            raise CancelledError()
        try:
            return await self._receive_some()
        except _Broken:
            explain = cast(_Ssh, self._connection.ssh).error
            error = await asyncio.get_running_loop().run_in_executor(None, explain, self._reply.parser.position)
            self._connection.cancel()
            raise error from None
        except (PipeForkAsError, OSError):
            self._connection.cancel()
            raise

    async def _receive_some(self) -> bool:
        while True:
            try:
                more = self._connection.receive()
                # Other tasks have their turn even if the daemon sends faster than this one reads.
                await asyncio.sleep(0)
                return more
            except BlockingIOError:
                pass
            wait = _ready(self._connection.socket.fileno(), False)
            if self._reply.parser.end is None:
                await wait
                continue
            try:
                await asyncio.wait_for(wait, _CLOSE_GRACE)
            except asyncio.TimeoutError:
                # The daemon keeps the connection open; the reply is complete.
                self._reply.finish()
                return False

    async def _send_source(self, source: _Source) -> None:
        """Sends the input. A failure of the input ends the connection, and the reader raises it."""
        try:
            while True:
                if source.fd is not None:
                    # A regular file cannot be waited for (epoll_ctl(2), EPERM), and need not be.
                    with contextlib.suppress(PermissionError):
                        await _ready(source.fd, False)
                piece = await source.read_async() if source.is_async else source.read()
                if piece is None:
                    break
                if not await _send_all_async(self._connection, piece):
                    return
            self._connection.end_input()
        except StreamError as failure:
            self._connection.failure = failure
            with contextlib.suppress(OSError):
                self._connection.socket.shutdown(_socket.SHUT_RDWR)

    async def _write(self, data: memoryview) -> None:
        async with self._sending:
            if self._is_closed or not await _send_all_async(self._connection, data) or self._connection.is_cancelled:
                raise BrokenPipeError(_errno.EPIPE, "the job reads no more input")


async def _send_all_async(connection: _Connection, data: memoryview) -> bool:
    """Sends all bytes; returns False if the daemon reads no more."""
    left: Optional[memoryview] = data
    while left:
        before, left = len(left), connection.send(left)
        if left is not None and len(left) == before:
            await _ready(connection.socket.fileno(), True)
        else:
            await asyncio.sleep(0)
    return left is not None


async def _start_async(
        line: bytes, source: Optional[_Source], path: _Address, daemon_uid: Optional[int], reply: _Reply, limit: int,
        checked: bool = False) -> AsyncJob:
    connection = _Connection(await _connect_async(path, daemon_uid), reply)
    try:
        await _send_all_async(connection, memoryview(line))
    except BaseException:
        connection.close()
        raise
    return AsyncJob(connection, source, checked, limit)


async def open_async(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None,
        input: Union[_AsyncInput, int] = None, env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None,
        check: bool = False, stdout: _Output = None, stderr: _Output = None, limit: int = DEFAULT_LIMIT,
        socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0, ticket: Optional[str] = None) -> AsyncJob:
    """Starts a job whose streams the program uses while it runs, with asyncio. The parameters are those of :func:`open`.

    input: also an asynchronous iterable of bytes.
    stdout, stderr: a file gets the output with calls that can block the event loop.
    """
    line = _job_line("run", job, user, args, env, timeout, ticket=ticket)
    if isinstance(input, int) and input != PIPE:
        raise TypeError("input must be bytes, a string, a binary file, an iterable of bytes, or PIPE")
    source = None if isinstance(input, int) else _Source(input)
    return await _start_async(line, source, _address(socket), daemon_uid, _Reply(stdout, stderr, limit), limit, check)


@overload
async def run_async(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None, input: _AsyncInput = None,
        env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None, check: bool = False, stdout: _Output = None,
        stderr: _Output = None, limit: int = DEFAULT_LIMIT, text: Literal[False] = False, encoding: str = "utf-8",
        errors: str = "strict", socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0,
        ticket: Optional[str] = None) -> "CompletedJob[bytes]":
    ...


@overload
async def run_async(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None, input: _AsyncInput = None,
        env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None, check: bool = False, stdout: _Output = None,
        stderr: _Output = None, limit: int = DEFAULT_LIMIT, text: Literal[True], encoding: str = "utf-8",
        errors: str = "strict", socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0,
        ticket: Optional[str] = None) -> "CompletedJob[str]":
    ...


async def run_async(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None, input: _AsyncInput = None,
        env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None, check: bool = False, stdout: _Output = None,
        stderr: _Output = None, limit: int = DEFAULT_LIMIT, text: bool = False, encoding: str = "utf-8", errors: str = "strict",
        socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0, ticket: Optional[str] = None) -> "CompletedJob[Any]":
    """Runs a job to its end, with asyncio. The parameters are those of :func:`run`. Cancelling the task cancels the job.

    input: also an asynchronous iterable of bytes.
    """
    kept = _Kept(limit)
    async with await open_async(
            job, user=user, args=args, input=input, env=env, timeout=timeout, stdout=stdout, stderr=stderr, limit=limit, socket=socket,
            daemon_uid=daemon_uid, ticket=ticket) as running:
        async for stream, piece in running:
            kept.add(stream, piece)
    result = kept.complete(cast("CompletedJob[bytes]", running.result), (encoding, errors) if text else None)
    if check:
        result.check_returncode()
    return result


async def _ask_async(
        line: bytes, socket: Optional[_PATH], daemon_uid: Optional[int], input: Optional[bytes] = None) -> "CompletedJob[bytes]":
    kept = _Kept(DEFAULT_LIMIT)
    reply = _Reply(None, None, DEFAULT_LIMIT)
    async with await _start_async(line, _Source(input), _address(socket), daemon_uid, reply, DEFAULT_LIMIT) as asked:
        async for stream, piece in asked:
            kept.add(stream, piece)
    return kept.complete(cast("CompletedJob[bytes]", asked.result), None)


async def list_jobs_async(*, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> List[JobDescription]:
    """As :func:`list_jobs`, with asyncio."""
    return _descriptions(await _ask_async(_request_line({"op": "list"}), socket, daemon_uid))


async def describe_async(job: str, *, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> JobDescription:
    """As :func:`describe`, with asyncio."""
    line = _job_line("describe", job, None, None, None, None)
    return cast(JobDescription, _answer(await _ask_async(line, socket, daemon_uid), dict))


async def check_async(
        job: str, *, user: Union[None, str, int] = None, args: Optional[Mapping[str, Any]] = None,
        env: Optional[Mapping[str, str]] = None, timeout: Optional[float] = None, caller: Union[None, str, int] = None,
        socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0, ticket: Optional[str] = None) -> CheckResult:
    """As :func:`check`, with asyncio."""
    return _check_answer(await _ask_async(_job_line("check", job, user, args, env, timeout, caller, ticket), socket, daemon_uid))


async def status_async(*, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> DaemonStatus:
    """As :func:`status`, with asyncio."""
    return cast(DaemonStatus, _answer(await _ask_async(_request_line({"op": "status"}), socket, daemon_uid), dict))


async def cancel_async(
        id: int, *, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> None:
    """As :func:`cancel`, with asyncio."""
    (await _ask_async(_cancel_line(id), socket, daemon_uid)).check_returncode()


async def sign_in_async(
        user: str, password: Union[str, _Bytes], *, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> SignInTicket:
    """As :func:`sign_in`, with asyncio."""
    line, secret = _sign_in_line(user, password)
    return _ticket(await _ask_async(line, socket, daemon_uid, secret))


async def sign_out_async(ticket: str, *, socket: Optional[_PATH] = None, daemon_uid: Optional[int] = 0) -> None:
    """As :func:`sign_out`, with asyncio."""
    (await _ask_async(_sign_out_line(ticket), socket, daemon_uid)).check_returncode()
