#!/usr/bin/python
# MIT License
"""The module pipeforkas.jobs.configuration."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: configuration
short_description: Replace the configuration fragments of the daemon that Ansible owns
version_added: "0.1.0"
description:
  - Writes C(ansible-NAME.json) to the folder of configuration files, one for each fragment, and removes every other file in it
    whose name begins with C(ansible-) and ends with C(.json). It leaves all other files alone.
  - Before it replaces a file, it checks all files together, as the daemon would read them. It bind-mounts a copy of the folder over
    the folder, in a mount namespace of its own, and runs C(pipeforkasd --check-config) there. If the check fails, it changes nothing.
  - It does not reload the daemon.
  - It must run as root.
options:
  fragments:
    description:
      - The fragments by name, each as an object of pipeforkas.json(5). The daemon reads the files in the order of their names; a later
        file overrides an earlier one key by key.
      - A name has only letters, digits, C(-) and C(_).
    type: dict
    required: true
  folder:
    description: The folder of configuration files. It must exist.
    type: path
    default: /etc/pipeforkas/conf.d
  program:
    description: The daemon's executable.
    type: path
    default: /usr/sbin/pipeforkasd
attributes:
  check_mode:
    description: The module compares and checks the configuration, without starting job hosts, and replaces nothing.
    support: full
  diff_mode:
    description: The difference of all owned files.
    support: full
author:
  - The PipeForkAs authors (@pipeforkas)
"""

EXAMPLES = r"""
- name: Let the panel list the folders of customers
  pipeforkas.jobs.configuration:
    fragments:
      policy:
        Policy:
          Rules:
            - Name: panel
              Callers: [www-data]
              Jobs: [list-directory]
              As: ["@customers"]
  notify: Reload pipeforkas
"""

RETURN = r"""
written:
  description: The files that were, or in check mode would be, written.
  type: list
  elements: str
  returned: success
removed:
  description: The files that were, or in check mode would be, removed.
  type: list
  elements: str
  returned: success
warnings_of_check:
  description: What the check of the configuration warned of.
  type: str
  returned: if something changed
"""

import json
import os
import re
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule

PREFIX = "ansible-"
SUFFIX = ".json"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")

# In a mount namespace of its own: nobody else sees the copy, and the mount ends with the check.
CHECK = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


def main():
    module = AnsibleModule(
        argument_spec=dict(
            fragments=dict(type="dict", required=True),
            folder=dict(type="path", default="/etc/pipeforkas/conf.d"),
            program=dict(type="path", default="/usr/sbin/pipeforkasd")),
        supports_check_mode=True)
    folder = module.params["folder"]
    wanted = contents(module)
    try:
        present = owned(folder)
        written = sorted(name for name in wanted if present.get(name) != wanted[name])
        removed = sorted(set(present) - set(wanted))
        warnings = ""
        if written or removed:
            warnings = check(module, folder, wanted, removed)
            if not module.check_mode:
                replace(folder, wanted, written, removed)
    except OSError as failure:
        module.fail_json(msg="cannot replace the configuration in %s: %s" % (folder, failure))
    module.exit_json(
        changed=bool(written or removed), written=written, removed=removed, warnings_of_check=warnings,
        diff=dict(before=shown(present), after=shown(wanted), before_header=folder, after_header=folder))


def contents(module):
    """Returns the content of each wanted file by its name."""
    wanted = {}
    for name, fragment in module.params["fragments"].items():
        if not NAME.match(name):
            module.fail_json(msg="the fragment name %r must be 1 to 64 letters, digits, '-' and '_'" % name)
        if not isinstance(fragment, dict):
            module.fail_json(msg="the fragment %s must be an object of pipeforkas.json(5)" % name)
        wanted[PREFIX + name + SUFFIX] = json.dumps(fragment, indent=2, sort_keys=True) + "\n"
    return wanted


def owned(folder):
    """Returns the files of earlier runs. A link of this name is not followed: it differs from every wanted file."""
    present = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith(PREFIX) and name.endswith(SUFFIX):
            if os.path.islink(path) or not os.path.isfile(path):
                present[name] = None
            else:
                with open(path, encoding="utf-8", errors="replace") as file:
                    present[name] = file.read()
    return present


def check(module, folder, wanted, removed):
    """Checks the configuration as it will be. Returns the warnings."""
    if not os.path.exists(module.params["program"]):
        if module.check_mode:
            return "%s is not installed, so the configuration is not checked" % module.params["program"]
        module.fail_json(msg="%s does not exist; install the package pipeforkas first" % module.params["program"])
    # Below the folder of the configuration: the daemon rejects files in folders that others can write.
    staged = tempfile.mkdtemp(prefix=".ansible-check-", dir=os.path.dirname(folder))
    try:
        os.chmod(staged, 0o755)
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name not in wanted and name not in removed and os.path.isfile(path):
                shutil.copy2(path, os.path.join(staged, name))
        for name, content in wanted.items():
            write(os.path.join(staged, name), content)
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", CHECK, "sh", staged, folder, module.params["program"],
                   "--check-config"]
        if module.check_mode:
            command.append("--no-hosts")
        status, output, error = module.run_command(command, environ_update=dict(LC_ALL="C.UTF-8"))
    finally:
        shutil.rmtree(staged)
    if status != 0:
        module.fail_json(msg="the daemon rejects the configuration, nothing was replaced: %s" % (error or output).strip(), rc=status)
    return error.strip()


def replace(folder, wanted, written, removed):
    for name in written:
        path = os.path.join(folder, name)
        # Root alone can write this folder, and the daemon reads no file with this ending.
        temporary = path + ".new"
        if os.path.lexists(temporary):
            os.unlink(temporary)
        write(temporary, wanted[name])
        os.rename(temporary, path)
    for name in removed:
        os.unlink(os.path.join(folder, name))


def write(path, content):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        os.fchmod(descriptor, 0o644)


def shown(files):
    return "".join("%s\n%s" % (name, "(not a regular file)\n" if files[name] is None else files[name]) for name in sorted(files))


if __name__ == "__main__":
    main()
