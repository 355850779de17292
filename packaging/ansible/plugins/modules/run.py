#!/usr/bin/python
# MIT License
"""The module pipeforkas.jobs.run."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: run
short_description: Run a registered job as a user
version_added: "0.1.0"
description:
  - Requests a job of the PipeForkAs daemon on the managed host, and waits for its end.
  - The daemon asks the kernel who the caller is, and its policy decides whether the job runs.
options:
  job:
    description: The name of the job.
    type: str
    required: true
  user:
    description: User to run the job as, a name or a uid. Default is the calling user.
    type: str
  arguments:
    description:
      - The arguments of the job.
      - The module shows a value in its invocation only if the registration of the job shows it in audit records
        (C(AuditedArguments)). It writes nothing to the system log, because the daemon writes an audit record.
      - The name is not C(args), because Ansible merges an option of that name into the others.
    type: dict
    default: {}
  secret_arguments:
    description:
      - More arguments, whose values are secret. Ansible removes them from everything that the module returns.
      - The module refuses a secret argument that the audit records of the job would show.
    type: dict
    default: {}
  env:
    description: Environment variables, those that the job allows. The invocation does not show their values.
    type: dict
    default: {}
  input:
    description: The standard input of the job, as text. The invocation does not show it.
    type: str
  timeout:
    description: The maximum run time in seconds. It can only shorten the configured time.
    type: float
  limit:
    description: The most bytes to keep of each output. A job that writes more is cancelled, and the task fails.
    type: int
    default: 16777216
extends_documentation_fragment:
  - pipeforkas.jobs.connection
attributes:
  check_mode:
    description: The module asks the daemon whether it would run the job (C(op) C(check)), and runs nothing.
    support: full
  diff_mode:
    description: A job has no difference to show.
    support: none
author:
  - The PipeForkAs authors (@pipeforkas)
"""

EXAMPLES = r"""
- name: Show the identity of a user's jobs
  pipeforkas.jobs.run:
    job: id
    user: alice
  changed_when: false

- name: Write a file of a user
  pipeforkas.jobs.run:
    job: write-file
    user: alice
    arguments:
      path: notes.txt
    input: "buy milk\n"
    timeout: 10

- name: Make a folder that may exist
  pipeforkas.jobs.run:
    job: make-directory
    user: alice
    arguments:
      path: www
  register: made
  changed_when: made.code == "ok"
  failed_when: made.code != "ok" and (made.error.type | default("")) != "exists"
"""

RETURN = r"""
code:
  description: The reply code, as pipeforkas-protocol(7) lists them. It is null if the exchange failed; see C(problem).
  type: str
  returned: always
  sample: ok
problem:
  description:
    - What failed if there is no code. C(unreachable), C(untrusted), C(request) - nothing ran. C(cut-short), C(violation), C(too-much),
      C(input) - the job may have run.
  type: str
  returned: always
rc:
  description: The exit code, or the negative number of the signal. Null if no job ran to its end.
  type: int
  returned: if there is a code
stdout:
  description: The standard output. Bytes that are not UTF-8 become U+FFFD.
  type: str
  returned: if there is a code
stderr:
  description: The standard error, in the same form.
  type: str
  returned: if there is a code
result:
  description: The result of a typed job, as data.
  type: raw
  returned: if a typed job succeeded
changed:
  description:
    - True if a job ran, because a job acts. A typed job can say itself whether it changed something, with a boolean member
      C(changed) of its result. C(changed_when) of the task overrides both.
    - True in check mode if the daemon would run the job.
  type: bool
  returned: always
message:
  description: What happened, in the words of the daemon. They can contain words of the job.
  type: str
  returned: if there is a code
error:
  description: For the code C(error), C(type), C(message) and C(errno) of what the function threw.
  type: dict
  returned: if there is a code
signal:
  description: The number of the signal that ended the job.
  type: int
  returned: if there is a code
job:
  description: The job.
  type: str
  returned: if there is a code
user:
  description: The user that the job ran as.
  type: str
  returned: if there is a code
uid:
  description: The uid of this user.
  type: int
  returned: if there is a code
seconds:
  description: The time from the accepted connection to the end.
  type: float
  returned: if there is a code
check:
  description: The reply to C(op) C(check), as pipeforkas-protocol(7) describes it.
  type: dict
  returned: in check mode
"""

import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pipeforkas.jobs.plugins.module_utils import pipeforkas
from ansible_collections.pipeforkas.jobs.plugins.module_utils.exchange import CONNECTION, HIDDEN, connection, report, result_values


def main():
    module = QuietModule(
        argument_spec=dict(
            job=dict(type="str", required=True),
            user=dict(type="str"),
            arguments=dict(type="dict", default={}),
            secret_arguments=dict(type="dict", default={}, no_log=True),
            env=dict(type="dict", default={}),
            input=dict(type="str"),
            timeout=dict(type="float"),
            limit=dict(type="int", default=pipeforkas.DEFAULT_LIMIT),
            **CONNECTION),
        supports_check_mode=True)
    Request(module).perform()


class QuietModule(AnsibleModule):
    """Writes no arguments to the system log. The option no_log does not do that: the one of the task replaces it."""

    def _log_invocation(self):
        pass


class Request:
    """One task."""

    def __init__(self, module):
        self.module = module
        self.params = module.params
        self.target = connection(self.params)
        self.kind = None
        self.audited = frozenset()
        twice = sorted(set(self.params["arguments"]) & set(self.params["secret_arguments"]))
        if twice:
            self.fail("%s is in arguments and in secret_arguments; keep one of them" % ", ".join(twice))
        self.arguments = dict(self.params["arguments"], **self.params["secret_arguments"])

    def perform(self):
        try:
            self.describe()
            if self.module.check_mode:
                self.check()
            else:
                self.run()
        except pipeforkas.PipeForkAsError as failure:
            values = report(failure)
            self.fail(str(failure), **values)

    def describe(self):
        """Learns the kind of the job, and which arguments its audit records show."""
        try:
            job = pipeforkas.describe(self.params["job"], **self.target)
        except pipeforkas.JobError:
            if self.params["secret_arguments"]:
                raise
            # The reply to the request itself says why.
            return
        self.kind = job.get("kind")
        self.audited = frozenset(job.get("audited") or ())
        shown = sorted(name for name in self.params["secret_arguments"] if self.is_audited(name))
        if shown:
            self.fail(
                "the audit records show the secret argument %s; remove it from AuditedArguments of the job, or from secret_arguments"
                % ", ".join(shown), code=None, problem="request", changed=False)

    def check(self):
        outcome = pipeforkas.check(
            self.params["job"], user=self.params["user"], args=self.arguments, env=self.params["env"], timeout=self.params["timeout"],
            **self.target)
        if outcome.get("allowed") is not True:
            self.fail(explanation(outcome), code="denied", problem=None, changed=False, check=outcome)
        self.exit(code="ok", problem=None, changed=True, check=outcome, msg="the daemon would run the job; nothing ran")

    def run(self):
        done = pipeforkas.run(
            self.params["job"], user=self.params["user"], args=self.arguments, input=self.params["input"], env=self.params["env"],
            timeout=self.params["timeout"], limit=self.params["limit"], **self.target)
        values = dict(result_values(done), problem=None)
        if not done.ok:
            self.fail(str(pipeforkas.JobError(done)), **values)
        if self.kind == "typed":
            try:
                values["result"] = json.loads(done.stdout.decode("utf-8"), parse_constant=no_constant)
            except (ValueError, RecursionError) as failure:
                self.fail("the result of the typed job is not JSON: %s" % failure, **dict(values, problem="violation"))
            changed = values["result"].get("changed") if isinstance(values["result"], dict) else None
            if isinstance(changed, bool):
                values["changed"] = changed
        self.exit(**values)

    def is_audited(self, name):
        return "*" in self.audited or name in self.audited

    def invocation(self):
        """Returns the parameters without what the audit records of the job do not show."""
        shown = dict(self.params)
        shown["arguments"] = dict((name, value if self.is_audited(name) else HIDDEN) for name, value in shown["arguments"].items())
        for group in ("secret_arguments", "env"):
            shown[group] = dict((name, HIDDEN) for name in shown[group])
        if shown["input"] is not None:
            shown["input"] = HIDDEN
        return dict(module_args=shown)

    def exit(self, **values):
        self.module.exit_json(invocation=self.invocation(), **values)

    def fail(self, what, **values):
        user = self.params["user"] or "the calling user"
        text = "cannot %s the job %s as %s: %s" % ("check" if self.module.check_mode else "run", self.params["job"], user, what)
        values.setdefault("code", None)
        values.setdefault("problem", "request")
        values.setdefault("changed", False)
        self.module.fail_json(msg=text, invocation=self.invocation(), **values)


def no_constant(name):
    raise ValueError("%s is not a number of JSON" % name)


def explanation(outcome):
    """Says why the policy denies a request, as `pipeforkas check --explain`."""
    if outcome.get("rules") is None:
        return "the policy denies it; root sees the reason with: pipeforkas check --explain"
    lines = [outcome["reason"]] if outcome.get("reason") else []
    lines += ['rule "%s": %s' % (rule.get("name"), rule.get("outcome")) for rule in outcome["rules"]]
    return "the policy denies it: %s" % "; ".join(lines)


if __name__ == "__main__":
    main()
