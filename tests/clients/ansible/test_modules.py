#!/usr/bin/env python3
"""Tests of the Ansible collection: its modules with a real daemon, and with one that lies.

    sudo PIPEFORKAS_NATIVE=DIR PIPEFORKAS_TEST_USER=NAME tests/clients/ansible/test_modules.py

NAME is a user that exists and can run jobs. Needs ansible-core.
"""

import json
import os
import pwd
import shutil
import socketserver
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
NATIVE = os.environ["PIPEFORKAS_NATIVE"]
USER = os.environ["PIPEFORKAS_TEST_USER"]
PYTHON = "/usr/bin/python3"  # Debian's ansible-core is for this one.
HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
DEADLINE = 120

CONFIGURATION = {
    "JobHosts": [{"Path": f"{NATIVE}/pipeforkas-jobs", "Workers": 2}, {"Path": f"{NATIVE}/pipeforkas-test-jobs", "Workers": 2}],
    "Commands": {
        "say": {
            "Command": ["/bin/echo", "{word}", "{password}"],
            "Parameters": {"word": {"Type": "string"}, "password": {"Type": "string", "Default": "none"}},
            "AuditedArguments": ["word"], "Env": ["LANG"],
        },
        "say-all": {
            "Command": ["/bin/echo", "{password}"], "Parameters": {"password": {"Type": "string"}}, "AuditedArguments": ["*"],
        },
    },
    "Policy": {"Rules": [
        {"Name": "no-cat", "Callers": ["*"], "Jobs": ["cat"], "As": ["*"], "Deny": True},
        {"Name": "self", "Callers": ["*"], "Jobs": ["*"], "As": ["self"]},
        {"Name": "root", "Callers": ["root"], "Jobs": ["*"], "As": ["*"]},
    ]},
}

folder = ""
collection = ""
daemon = None


def must(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done


def pack(place):
    return must(f"{ROOT}/packaging/pack-ansible.sh", place).stdout.strip()


def ansible_environment():
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder, "LANG": "C.UTF-8", "TMPDIR": folder, "ANSIBLE_HOME": f"{folder}/ansible",
        "ANSIBLE_COLLECTIONS_PATH": folder, "PYTHONDONTWRITEBYTECODE": "1",
    }


def setUpModule():
    global folder, collection, daemon
    folder = tempfile.mkdtemp(prefix="pipeforkas-test-")
    os.chmod(folder, 0o755)
    must("ansible-galaxy", "collection", "install", "--offline", pack(f"{folder}/packed"), "-p", folder, env=ansible_environment())
    collection = f"{folder}/ansible_collections/pipeforkas/jobs"
    configuration = f"{folder}/pipeforkas.json"
    with open(configuration, "w", encoding="utf-8") as file:
        json.dump({"Socket": {"Path": f"{folder}/pipeforkas.sock"}, **CONFIGURATION}, file)
    os.chmod(configuration, 0o644)
    log = open(f"{folder}/log", "w+b")
    daemon = subprocess.Popen([f"{NATIVE}/pipeforkasd", "--config", configuration], stdin=subprocess.DEVNULL, stderr=log)
    log.close()
    end = time.monotonic() + DEADLINE
    while not os.path.exists(f"{folder}/pipeforkas.sock"):
        if daemon.poll() is not None or time.monotonic() > end:
            with open(f"{folder}/log", encoding="utf-8") as file:
                raise AssertionError(f"the daemon does not listen: {file.read()}")
        time.sleep(0.02)


def tearDownModule():
    if daemon is not None:
        daemon.terminate()
        daemon.wait(DEADLINE)
    shutil.rmtree(folder)


def play(module, as_user=None, check=False, **parameters):
    """Runs a module as Ansible runs it on a managed host, and returns its result."""
    parameters.setdefault("socket", f"{folder}/pipeforkas.sock")
    arguments = {"ANSIBLE_MODULE_ARGS": {**parameters, "_ansible_check_mode": check, "_ansible_remote_tmp": folder}}
    command = ["env", "-C", "/", f"PYTHONPATH={folder}", "PYTHONDONTWRITEBYTECODE=1", PYTHON, f"{collection}/plugins/modules/{module}.py"]
    prefix = [] if as_user is None else ["runuser", "-u", as_user, "--"]
    done = subprocess.run(prefix + command, input=json.dumps(arguments), capture_output=True, text=True, timeout=DEADLINE)
    if done.stderr:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class LyingDaemon:
    """A daemon that answers each operation with what the test gives: bytes of standard output, then an end record or none."""

    def __init__(self, **replies):
        self.path = f"{folder}/lying.sock"

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                request = json.loads(self.rfile.readline())
                output, end = replies[request.get("op", "run")]
                self.wfile.write(struct.pack(">4BI", 1, 0, 0, 0, len(output)) + output)
                if end is not None:
                    record = json.dumps(end).encode()
                    self.wfile.write(struct.pack(">4BI", 16, 0, 0, 0, len(record)) + record)

        self.server = socketserver.ThreadingUnixStreamServer(self.path, Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever).start()
        return self.path

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.path)


TYPED = (b'{"name":"job","kind":"typed"}', {"code": "ok"})
RAN = {"code": "ok", "exit": 0, "pid": 7}


class RunTests(unittest.TestCase):
    def test_the_caller_is_the_user_of_the_module(self):
        done = play("run", as_user=USER, job="id")
        self.assertEqual(("ok", 0, USER), (done["code"], done["rc"], done["user"]))
        self.assertIn(f"uid={pwd.getpwnam(USER).pw_uid}({USER})", done["stdout"])
        self.assertIs(True, done["changed"])
        self.assertNotIn("result", done)

    def test_the_result_of_a_typed_job_is_data(self):
        done = play("run", job="sum", user=USER, arguments={"a": 2, "b": 40})
        self.assertEqual({"sum": 42}, done.get("result"), done)

    def test_a_failed_job_has_its_code_and_rc(self):
        done = play("run", job="exit", user=USER, arguments={"code": 7})
        self.assertEqual(("failed", 7, True, True), (done["code"], done["rc"], done["failed"], done["changed"]), done)
        self.assertIn(f"cannot run the job exit as {USER}: ", done["msg"])

    def test_a_job_out_of_time_has_the_code_timeout(self):
        done = play("run", job="sleep", user=USER, arguments={"seconds": 60}, timeout=0.2)
        self.assertEqual(("timeout", True), (done["code"], done["failed"]), done)

    def test_an_exception_is_data(self):
        done = play("run", job="read-file", user=USER, arguments={"path": "no-such-file"})
        self.assertEqual(("error", "not-found", 2), (done["code"], done["error"]["type"], done["error"]["errno"]), done)

    def test_a_refused_request_changes_nothing(self):
        for code, options in {
                "denied": {"job": "id", "user": "root"}, "unknown-job": {"job": "no-such-job", "user": USER},
                "bad-args": {"job": "read-file", "user": USER, "arguments": {"no": 1}}}.items():
            done = play("run", **options)
            self.assertEqual((code, True, False), (done["code"], done["failed"], done["changed"]), done)

    def test_the_input_reaches_the_job(self):
        done = play("run", job="count-stdin", user=USER, input="Grüße\n")
        self.assertIn("8", done["stdout"].split()[0], done)

    def test_output_beyond_the_limit_fails(self):
        done = play("run", job="say", user=USER, arguments={"word": "x" * 100}, limit=10)
        self.assertEqual((None, "too-much", True), (done["code"], done["problem"], done["failed"]))

    def test_without_a_daemon_the_message_says_what_to_do(self):
        done = play("run", job="id", user=USER, socket=f"{folder}/none.sock")
        self.assertEqual((None, "unreachable", False), (done["code"], done["problem"], done["changed"]))
        self.assertIn("systemctl status pipeforkas", done["msg"])

    def test_a_daemon_of_another_uid_gets_nothing(self):
        done = play("run", job="id", user=USER, daemon_uid=1)
        self.assertEqual("untrusted", done["problem"])


class CheckModeTests(unittest.TestCase):
    def test_an_allowed_job_does_not_run(self):
        path = f"{pwd.getpwnam(USER).pw_dir}/checked"
        done = play("run", check=True, job="write-file", user=USER, arguments={"path": path})
        self.assertEqual((True, True), (done["changed"], done["check"]["allowed"]), done)
        self.assertFalse(os.path.exists(path))
        self.assertEqual("ok", play("run", job="write-file", user=USER, arguments={"path": path})["code"])
        self.assertTrue(os.path.exists(path))
        os.unlink(path)

    def test_a_denial_names_its_rule_to_root_alone(self):
        done = play("run", check=True, job="cat", user=USER)
        self.assertEqual(("denied", True, False), (done["code"], done["failed"], done["changed"]))
        self.assertIn('rule "no-cat": ', done["msg"])
        done = play("run", as_user=USER, check=True, job="cat")
        self.assertEqual("denied", done["code"], done)
        self.assertNotIn("no-cat", json.dumps(done))


class SecretTests(unittest.TestCase):
    def test_the_invocation_shows_what_the_audit_records_show(self):
        done = play("run", job="say", user=USER, arguments={"word": "shown", "password": "hidden"}, env={"LANG": "C.UTF-8"}, input="in")
        shown = done["invocation"]["module_args"]
        self.assertEqual({"word": "shown", "password": HIDDEN}, shown["arguments"])
        self.assertEqual(({"LANG": HIDDEN}, HIDDEN), (shown["env"], shown["input"]))
        self.assertEqual("shown hidden\n", done["stdout"])

    def test_a_secret_argument_is_removed_from_everything(self):
        done = play("run", job="say", user=USER, arguments={"word": "w"}, secret_arguments={"password": "s3cret-value"})
        self.assertEqual("ok", done["code"], done)
        self.assertNotIn("s3cret-value", json.dumps(done))
        self.assertEqual("w ********\n", done["stdout"])

    def test_a_secret_argument_that_the_audit_records_show_is_refused(self):
        for job in ("say", "say-all"):
            name = "word" if job == "say" else "password"
            done = play("run", job=job, user=USER, secret_arguments={name: "s3cret-value"})
            self.assertEqual(("request", True, False), (done["problem"], done["failed"], done["changed"]), done)
            self.assertIn(f"the audit records show the secret argument {name}", done["msg"])

    def test_an_argument_given_twice_is_refused(self):
        done = play("run", job="say", user=USER, arguments={"word": "a"}, secret_arguments={"word": "b-secret"})
        self.assertIn("keep one of them", done["msg"])


class LyingDaemonTests(unittest.TestCase):
    def test_a_typed_job_says_whether_it_changed_something(self):
        for word in (False, True):
            with LyingDaemon(describe=TYPED, run=(json.dumps({"changed": word}).encode(), RAN)) as path:
                done = play("run", job="job", socket=path)
            self.assertIs(word, done["changed"], done)

    def test_a_result_sets_no_fact_and_no_value_of_the_module(self):
        result = {"ansible_facts": {"become": True}, "failed": True, "changed": "no", "rc": 9, "invocation": 1}
        with LyingDaemon(describe=TYPED, run=(json.dumps(result).encode(), RAN)) as path:
            done = play("run", job="job", socket=path)
        self.assertEqual(result, done["result"])
        self.assertNotIn("ansible_facts", done)
        self.assertEqual((True, 0, False), (done["changed"], done["rc"], done.get("failed", False)))

    def test_a_typed_result_that_is_not_JSON_fails(self):
        for output in (b"{", b"\xff", b"NaN", b"[" * 100000):
            with LyingDaemon(describe=TYPED, run=(output, RAN)) as path:
                done = play("run", job="job", socket=path)
            self.assertEqual(("violation", True, True), (done["problem"], done["failed"], done["changed"]))

    def test_a_reply_without_an_end_may_have_changed_something(self):
        with LyingDaemon(describe=TYPED, run=(b"half", None)) as path:
            done = play("run", job="job", socket=path)
        self.assertEqual((None, "cut-short", True, True), (done["code"], done["problem"], done["failed"], done["changed"]))


class InfoTests(unittest.TestCase):
    def test_root_gets_status_and_all_jobs(self):
        done = play("info", check=True)
        self.assertIs(False, done["changed"])
        self.assertEqual(2, len(done["status"]["hosts"]))
        self.assertIn("say", [job["name"] for job in done["jobs"]])

    def test_a_subset_asks_for_no_more(self):
        done = play("info", as_user=USER, subset=["jobs"])
        self.assertNotIn("status", done)
        self.assertNotIn("cat", [job["name"] for job in done["jobs"]])

    def test_without_a_daemon_it_fails(self):
        self.assertEqual("unreachable", play("info", socket=f"{folder}/none.sock")["problem"])


class CollectionTests(unittest.TestCase):
    def test_the_collection_is_the_same_each_time_and_has_the_client(self):
        first, second = pack(f"{folder}/first"), pack(f"{folder}/second")
        with open(first, "rb") as one, open(second, "rb") as other:
            self.assertEqual(one.read(), other.read())
        with tarfile.open(first) as tar, open(f"{ROOT}/src/clients/python/pipeforkas/__init__.py", "rb") as client:
            self.assertEqual(client.read(), tar.extractfile("plugins/module_utils/pipeforkas.py").read())

    def test_ansible_verifies_the_installed_files(self):
        must("ansible-galaxy", "collection", "verify", "--offline", "pipeforkas.jobs", env=ansible_environment())

    def test_ansible_doc_shows_each_module_and_its_options(self):
        modules = sorted(name[:-3] for name in os.listdir(f"{collection}/plugins/modules"))
        for module in modules:
            done = must("ansible-doc", "--json", f"pipeforkas.jobs.{module}", env=ansible_environment())
            self.assertEqual("", done.stderr)
            page = json.loads(done.stdout)[f"pipeforkas.jobs.{module}"]
            self.assertTrue(page["doc"]["options"])
            self.assertTrue(page["examples"] and page["return"])

    def test_ansible_test_finds_nothing_in_the_checks_that_need_no_network(self):
        checks = (
            "action-plugin-docs", "compile", "empty-init", "future-import-boilerplate", "ignores", "line-endings", "metaclass-boilerplate",
            "no-assert", "no-illegal-filenames", "no-main-display", "no-smart-quotes", "shebang", "symlinks", "use-argspec-type-path")
        # It writes to the folder of the collection.
        copy = f"{folder}/sanity/ansible_collections/pipeforkas/jobs"
        shutil.copytree(collection, copy)
        must("ansible-test", "sanity", "--color", "no", *(word for check in checks for word in ("--test", check)),
             env=ansible_environment(), cwd=copy)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("test_modules.py: run it as root")
    unittest.main()
