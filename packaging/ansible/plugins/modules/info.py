#!/usr/bin/python
# MIT License
"""The module pipeforkas.jobs.info."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: info
short_description: Get the status of the daemon and the jobs that the caller can run
version_added: "0.1.0"
description:
  - Asks the PipeForkAs daemon on the managed host. It changes nothing.
options:
  subset:
    description: What to ask for.
    type: list
    elements: str
    choices: [status, jobs]
    default: [status, jobs]
extends_documentation_fragment:
  - pipeforkas.jobs.connection
attributes:
  check_mode:
    description: The module changes nothing.
    support: full
  diff_mode:
    description: The module changes nothing.
    support: none
author:
  - The PipeForkAs authors (@pipeforkas)
"""

EXAMPLES = r"""
- name: Ask the daemon
  pipeforkas.jobs.info:
  register: daemon

- name: Require a job
  ansible.builtin.assert:
    that: "'read-file' in (daemon.jobs | map(attribute='name'))"
"""

RETURN = r"""
status:
  description: The status of the daemon, as pipeforkas-protocol(7) describes it. Root sees all jobs and the job hosts.
  type: dict
  returned: if asked for
jobs:
  description: The descriptions of the jobs that the caller can run as at least one user, for root of all jobs.
  type: list
  elements: dict
  returned: if asked for
code:
  description: The reply code if the daemon refused.
  type: str
  returned: on failure
problem:
  description: What failed if there is no code, as for the module C(run).
  type: str
  returned: on failure
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pipeforkas.jobs.plugins.module_utils import pipeforkas
from ansible_collections.pipeforkas.jobs.plugins.module_utils.exchange import CONNECTION, connection, report


def main():
    choices = ["status", "jobs"]
    module = AnsibleModule(
        argument_spec=dict(subset=dict(type="list", elements="str", choices=choices, default=choices), **CONNECTION),
        supports_check_mode=True)
    values = {}
    try:
        if "status" in module.params["subset"]:
            values["status"] = pipeforkas.status(**connection(module.params))
        if "jobs" in module.params["subset"]:
            values["jobs"] = pipeforkas.list_jobs(**connection(module.params))
    except pipeforkas.PipeForkAsError as failure:
        module.fail_json(msg="cannot ask the daemon: %s" % failure, **dict(report(failure), changed=False))
    module.exit_json(changed=False, **values)


if __name__ == "__main__":
    main()
