# MIT License
"""What the modules share: their options for the connection, and how they report a failure."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

# packaging/pack-ansible.sh copies the Python client to this place.
from ansible_collections.pipeforkas.jobs.plugins.module_utils import pipeforkas

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"

CONNECTION = dict(socket=dict(type="path"), daemon_uid=dict(type="int", default=0))

# Failures of the exchange that have no code of the protocol, and whether a job can have run.
_PROBLEMS = (
    (pipeforkas.RequestError, "request", False),
    (pipeforkas.UnreachableError, "unreachable", False),
    (pipeforkas.UntrustedDaemonError, "untrusted", False),
    (pipeforkas.ReplyCutShortError, "cut-short", True),
    (pipeforkas.ProtocolError, "violation", True),
    (pipeforkas.OutputTooLargeError, "too-much", True),
    (pipeforkas.StreamError, "input", True),
)

# These codes mean that no code of the job ran, also where a worker found the fault.
_REFUSED = ("bad-request", "too-large", "unknown-job", "unknown-user", "bad-args", "denied", "busy")


def connection(params):
    """Returns the options of a call of the client."""
    return dict(socket=params["socket"], daemon_uid=params["daemon_uid"])


def report(failure):
    """Returns the values for a failed exchange: its code, or its problem."""
    if isinstance(failure, pipeforkas.JobError):
        return dict(result_values(failure.result), problem=None)
    for kind, problem, may_have_run in _PROBLEMS:
        if isinstance(failure, kind):
            return dict(code=None, problem=problem, changed=may_have_run)
    raise failure


def result_values(done):
    """Returns how a request ended, by the names of the protocol."""
    error = done.error
    return dict(
        code=done.code, rc=done.returncode, signal=done.signal, message=done.message, job=done.job, user=done.user, uid=done.uid,
        error=None if error is None else dict(type=error.type, message=error.message, errno=error.errno), seconds=done.seconds,
        stdout=_text(done.stdout), stderr=_text(done.stderr),
        changed=done.pid is not None and done.code not in _REFUSED)


def _text(output):
    return output if isinstance(output, str) else output.decode("utf-8", "replace")
