#!/usr/bin/env python3
"""Measures many hosts that are asked from one; see README.md beside this file.

    fleet.py --native FOLDER [--hosts N [N ...]] [--seconds S] [--collection FILE] [--output FILE]

Each host is a daemon and an sshd in namespaces of their own (network, mounts, processes), on a bridge in a network namespace of this
program. All of them share the processors of this machine with the asking side, so the table has the processor time of each side.
"""

import argparse
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

USER = "pfa-bench-fleet"
NETWORK = "10.193"
PATIENCE = 10.0
ROUNDS = 200
HERTZ = os.sysconf("SC_CLK_TCK")

HOST = """
set -e
read -r _                                   # The network is ready.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 755 /run/sshd /run/pipeforkas
mount --bind {native} /usr/local/bin
{native}/pipeforkasd --config {folder}/daemon.json >{folder}/daemon.log 2>&1 &
exec /usr/sbin/sshd -D -e -f {folder}/sshd_config >{folder}/sshd.log 2>&1
"""

SSHD = """
ListenAddress {address}
HostKey {keys}/host
AuthorizedKeysFile {keys}/user.pub
PidFile none
UsePAM no
PasswordAuthentication no
StrictModes no
MaxStartups 500
MaxSessions 500
"""

SSH = """
Host *
    IdentityFile {keys}/user
    UserKnownHostsFile {keys}/known_hosts
    StrictHostKeyChecking yes
    BatchMode yes
Host host*
    ControlMaster auto
    ControlPath {home}/.ssh/master-%n
    ControlPersist 300
"""


def must(*command, **options):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **options)


def until(condition, what, logs=lambda: ""):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"fleet.py: {what}\n{logs()}")
        time.sleep(0.05)


class Host:
    """A daemon and an sshd in namespaces of their own."""

    def __init__(self, number, place):
        self.name = f"host{number}"
        self.address = f"{NETWORK}.{number // 250}.{number % 250 + 1}"
        self.folder = place.scratch / self.name
        self.folder.mkdir(mode=0o755)
        daemon = {
            "Socket": {"Path": "/run/pipeforkas/pipeforkas.sock"},
            "JobHosts": [{"Path": f"{place.native}/pipeforkas-jobs"}],
        }
        (self.folder / "daemon.json").write_text(json.dumps(daemon))
        (self.folder / "sshd_config").write_text(SSHD.format(address=self.address, keys=place.keys))
        script = HOST.format(native=place.native, folder=self.folder)
        self.process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
            stdin=subprocess.PIPE)
        until(lambda: self.inner() is not None, f"{self.name} did not start")
        inner = str(self.inner())
        # The device has its name on this side from the number: a name has at most 15 characters.
        must("ip", "link", "add", f"fleet{number}", "type", "veth", "peer", "name", "eth0", "netns", inner)
        must("ip", "link", "set", f"fleet{number}", "master", "fleet", "up")
        for command in (["addr", "add", f"{self.address}/16", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            must("nsenter", "--net", "--target", inner, "ip", *command)
        self.process.stdin.write(b"\n")
        self.process.stdin.close()

    def inner(self):
        """The first process in the namespaces; None before there is one."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children or os.readlink(f"/proc/{children[0]}/ns/net") == os.readlink("/proc/self/ns/net"):
            return None
        return int(children[0])

    def stop(self):
        self.process.kill()
        self.process.wait()


class Place:
    """The folder, the user and the network of a run."""

    def __init__(self, native):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pipeforkas-fleet."))
        self.scratch.chmod(0o755)
        self.native = pathlib.Path(native).resolve()
        self.keys = self.scratch / "keys"
        self.hosts = []
        self.made = False

    def __enter__(self):
        try:
            pwd.getpwnam(USER)
            sys.exit(f"fleet.py: there is a user {USER}, perhaps of a run that was killed; remove it: userdel --remove {USER}")
        except KeyError:
            pass
        self.home = self.scratch / "home"
        must("useradd", "--create-home", "--home-dir", self.home, "--user-group", "--no-log-init", "--shell", "/bin/sh",
             "-K", "MAIL_DIR=/dev/null", "-K", "SUB_UID_COUNT=0", "-K", "SUB_GID_COUNT=0", USER)
        self.made = True
        self.user = pwd.getpwnam(USER)
        must("usermod", "--password", "*", USER)
        self.keys.mkdir(mode=0o755)
        for name in ("host", "user"):
            must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.keys / name)
        os.chown(self.keys / "user", self.user.pw_uid, self.user.pw_gid)
        ssh = self.home / ".ssh"
        ssh.mkdir(mode=0o700)
        (ssh / "config").write_text(SSH.format(keys=self.keys, home=self.home))
        for path in (ssh, ssh / "config"):
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        must("ip", "link", "set", "lo", "up")
        must("ip", "link", "add", "fleet", "type", "bridge")
        must("ip", "addr", "add", f"{NETWORK}.255.254/16", "dev", "fleet")
        must("ip", "link", "set", "fleet", "up")
        return self

    def __exit__(self, *_):
        for host in self.hosts:
            host.stop()
        if self.made:
            # The masters of ssh, which stay in the background.
            while pids := self.processes():
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.05)
            must("userdel", USER, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.scratch)

    def grow(self, count):
        """Starts hosts until there are so many, and connects the master of each."""
        key = (self.keys / "host.pub").read_text().split()
        while len(self.hosts) < count:
            self.hosts.append(Host(len(self.hosts), self))
        # By name and not by a resolver: the mount namespace of this program has its own file.
        pathlib.Path("/etc/hosts").write_text(
            "127.0.0.1 localhost\n" + "".join(f"{host.address} {host.name} once-{host.name}\n" for host in self.hosts))
        (self.keys / "known_hosts").write_text("".join(
            f"{host.name},once-{host.name},{host.address} {key[0]} {key[1]}\n" for host in self.hosts))
        (self.keys / "known_hosts").chmod(0o644)
        for host in self.hosts:
            until(lambda: self.ask(["ssh", host.name, "pipeforkas", "run", "-n", "id"])[0] == 0, f"{host.name} does not reply", self.logs)

    def logs(self):
        """The ends of all logs."""
        files = sorted(self.scratch.glob("*/*.log")) + [self.scratch / "errors"]
        return "\n".join(f"{file.name}: {file.read_text()[-1000:]}" for file in files if file.exists())

    def processes(self):
        """The processes of the asking side: those of the user in the namespace of this program."""
        found = []
        for entry in os.listdir("/proc"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
                if os.stat(f"/proc/{int(entry)}").st_uid == self.user.pw_uid:
                    found.append(int(entry))
        return found

    def ask(self, command):
        """Runs a command of the asking side; returns its status and how long it took in seconds."""
        begun = time.perf_counter()
        pid = os.posix_spawn(
            "/usr/bin/setpriv",
            ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups", *command],
            {"PATH": f"{self.native}:/usr/bin:/bin", "HOME": str(self.home), "USER": USER, "LANG": "C.UTF-8",
             **self.ansible_variables()},
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                          (os.POSIX_SPAWN_OPEN, 1, str(self.scratch / "out"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                          (os.POSIX_SPAWN_OPEN, 2, str(self.scratch / "errors"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)])
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), time.perf_counter() - begun

    def ansible_variables(self):
        return {"ANSIBLE_COLLECTIONS_PATH": str(self.scratch / "collections"), "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_INVENTORY": str(self.scratch / "inventory"), "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3"}

    def masters_time(self):
        """The processor time of the masters until now, in seconds."""
        total = 0
        for pid in self.processes():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if pathlib.Path(f"/proc/{pid}/comm").read_text() == "ssh\n" and parent(pid) in (1, os.getpid()):
                    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                    total += int(fields[11]) + int(fields[12])
        return total / HERTZ


def parent(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def children_time():
    times = os.times()
    return times.children_user + times.children_system


def machine_time():
    """The time that the processors of the machine have worked, in seconds."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / HERTZ


def one_host(place, contenders, rounds):
    """Milliseconds of each contender, in turns with the others."""
    times = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        for name in names[number % len(names):] + names[:number % len(names)]:
            status, seconds = place.ask(contenders[name])
            if status != 0:
                sys.exit(f"fleet.py: {name}: exit status {status}: {place.logs()}")
            times[name].append(seconds * 1000)
    return times


def fan_out(place, command, width, seconds):
    """Asks all hosts in turn, so many at once, for so long. Returns requests/s, ms, failures, and ms of both sides' processors."""
    lock, times, failures = threading.Lock(), [], 0
    turn = iter(range(sys.maxsize))
    end = time.monotonic() + seconds
    asked, worked, masters, begun = children_time(), machine_time(), place.masters_time(), time.monotonic()

    def work():
        nonlocal failures
        while time.monotonic() < end:
            with lock:
                host = place.hosts[next(turn) % len(place.hosts)]
            status, took = place.ask([part.replace("HOST", host.name) for part in command])
            with lock:
                times.append(took * 1000)
                failures += status != 0

    threads = [threading.Thread(target=work) for _ in range(width)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = time.monotonic() - begun
    mine = (children_time() - asked + place.masters_time() - masters) * 1000 / len(times)
    return len(times) / passed, statistics.median(times), failures, mine, (machine_time() - worked) * 1000 / len(times)


def sweep(place, command):
    """Seconds in which Ansible asks all hosts once, and its processor time."""
    asked, masters = children_time(), place.masters_time()
    status, seconds = place.ask(command)
    return seconds, children_time() - asked + place.masters_time() - masters, status


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(place, arguments, out):
    place.grow(1)
    contenders = {
        "ssh host true, with a master": ["ssh", "host0", "true"],
        "pipeforkas -H host run id, with a master": ["pipeforkas", "-H", "host0", "run", "-n", "id"],
        "ssh host pipeforkas run id, with a master": ["ssh", "host0", "pipeforkas", "run", "-n", "id"],
        "pipeforkas -H host run id, a session of ssh each": ["pipeforkas", "-H", "once-host0", "run", "-n", "id"],
    }
    times = one_host(place, contenders, arguments.rounds)
    floor = times["ssh host true, with a master"]
    print("| one host, one request after the other | p50, ms | p95, ms | to ssh host true |\n| --- | ---: | ---: | ---: |", file=out)
    for name, values in times.items():
        ratio = statistics.median(a / b for a, b in zip(values, floor))
        print(f"| {name} | {statistics.median(values):.1f} | {percentile(values, 0.95):.1f} | {ratio:.2f} |", file=out)

    print("\n| hosts | asked by | at once | requests/s | p50, ms | failed | asking side, ms of a processor | all, ms |", file=out)
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |", file=out, flush=True)
    width = 2 * os.cpu_count()
    for count in arguments.hosts:
        place.grow(count)
        for name, host in (("-H, with masters", "HOST"), ("-H, a session of ssh each", "once-HOST")):
            command = ["pipeforkas", "-H", host, "run", "-n", "id"]
            rate, middle, failures, mine, both = fan_out(place, command, width, arguments.seconds)
            print(f"| {count} | {name} | {width} | {rate:.0f} | {middle:.1f} | {failures} | {mine:.1f} | {both:.1f} |",
                  file=out, flush=True)
        if arguments.collection:
            (place.scratch / "inventory").write_text("".join(f"{host.name}\n" for host in place.hosts))
            forks = str(width)
            # Once for the masters, and for the folders that Ansible makes.
            place.ask(["ansible", "all", "--forks", forks, "-m", "ansible.builtin.ping"])
            for name, module in (("Ansible, pipeforkas.jobs.run", ["pipeforkas.jobs.run", "-a", "job=id"]), ("Ansible, ping", ["ping"])):
                seconds, mine, status = sweep(place, ["ansible", "all", "--forks", forks, "-m", *module])
                print(f"| {count} | {name} | {forks} | {count / seconds:.1f} | {seconds * 1000:.0f} (all) | {status} "
                      f"| {mine * 1000 / count:.0f} | |", file=out, flush=True)


def main():
    parser = argparse.ArgumentParser(description="Measures many hosts that are asked from one.")
    parser.add_argument("--native", required=True, help="the folder of the native executables")
    parser.add_argument("--hosts", nargs="+", type=int, default=[1, 2, 4, 8, 16, 32], metavar="N", help="the numbers of hosts, growing")
    parser.add_argument("--seconds", type=float, default=10, help="how long to ask in each row")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="the requests of each contender to one host")
    parser.add_argument("--collection", metavar="FILE", help="the built collection pipeforkas.jobs: asks by Ansible too")
    parser.add_argument("--output", metavar="FILE", help="where the tables go; default: standard output")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("fleet.py: run it as root")
    if os.environ.get("PIPEFORKAS_FLEET") != "1":
        # The bridge, and the file of names, are in namespaces of their own, which end with this program.
        os.environ["PIPEFORKAS_FLEET"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])
    with Place(arguments.native) as place, contextlib.ExitStack() as stack:
        names = place.scratch / "hosts"
        names.write_text("127.0.0.1 localhost\n")
        must("mount", "--bind", names, "/etc/hosts")
        if arguments.collection:
            must("ansible-galaxy", "collection", "install", "--offline", "-p", place.scratch / "collections", arguments.collection,
                 stdout=subprocess.DEVNULL)
        out = stack.enter_context(open(arguments.output, "w")) if arguments.output else sys.stdout
        report(place, arguments, out)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
