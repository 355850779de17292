# MIT License
"""The options of all modules that connect to the daemon."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  socket:
    description:
      - Path of the daemon's socket on the managed host.
      - Default is the environment variable C(PIPEFORKAS_SOCKET), otherwise C(/run/pipeforkas/pipeforkas.sock).
    type: path
  daemon_uid:
    description: The module sends nothing unless a process of this uid listens on the socket.
    type: int
    default: 0
requirements:
  - Python 3.9 or later on the managed host
notes:
  - The caller is the user that Ansible connects or becomes as. The policy of the daemon decides what this user can run, so
    C(become) is not needed.
"""
