#!/usr/bin/env bash
# Boots systemd in a container over an overlay of / whose changes are in memory, and ends it with its own standard input.
#   unshare --mount --propagation private container.sh NAME FOLDER [NETWORK] <PIPE
# FOLDER is an empty folder, which is removed. With NETWORK=host the container uses the network of this machine, otherwise none.
# Prints "leader PID"; "cannot: REASON" if this machine lacks a requirement;
# "failed: REASON" if a started container did not boot.
# The pipe ends when the caller ends in any way. If this script is killed as well, the next test run removes the leftovers: the
# control group with all its processes, thereby the private mounts, and an empty folder.
set -u
name=$1 folder=$2 network=(--private-network)
[ "${3-}" != host ] || network=()
cannot() { echo "cannot: $*"; exit 0; }
failed() { echo "failed: $*: $(tail -n 3 "$folder/console" | tr '\n' ' ')"; exit 1; }

groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
container= leader=
finish() {
    if [ -n "$groups" ] && [ -d "$groups/$name" ]; then
        echo 1 >"$groups/$name/cgroup.kill"
    elif [ -n "$container" ]; then
        kill -KILL "$container"
    fi
    [ -z "$container" ] || wait "$container"
    cd /
    umount "$folder/root" && umount "$folder"
    rmdir "$folder"
    for _ in $(seq 100); do
        find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} + && break
        sleep 0.1
    done
} 2>/dev/null
trap finish EXIT
trap 'exit 1' HUP INT TERM

command -v systemd-nspawn >/dev/null || cannot "systemd-nspawn is not installed"
[ -x /lib/systemd/systemd ] || cannot "systemd is not installed"
[ -n "$groups" ] || cannot "no control groups of version 2 are mounted"
mkdir "$groups/$name" 2>/dev/null || cannot "no control group can be created in $groups"
mount -t tmpfs -o mode=755,size=2g tmpfs "$folder" || cannot "no tmpfs can be mounted"
cd "$folder" && mkdir upper work root || exit 1
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root || cannot "no overlay of / can be mounted"

# Without the services and users of this machine.
units=root/etc/systemd/system
rm -rf "${units:?}"/*.wants root/usr/sbin/policy-rc.d root/etc/machine-id root/var/lib/systemd/timers
mkdir -p "$units"
: >root/etc/machine-id
for user in $(awk -F: '$3 >= 1000 && $3 < 65000 { print $1 }' root/etc/passwd root/etc/group); do
    sed -i "/^$user:/d" root/etc/passwd root/etc/group root/etc/shadow root/etc/gshadow
done
rm -rf root/home/* root/etc/{passwd,group,shadow,gshadow}.lock
cat >"$units/boot-test.target" <<'UNIT'
[Unit]
Requires=basic.target
Wants=sockets.target dbus.socket
After=basic.target sockets.target
AllowIsolate=yes
UNIT

(
    echo "$BASHPID" >"$groups/$name/cgroup.procs" || exit 1
    export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
    # Its filter blocks Landlock, which jobs with a sandbox need and which takes nothing from this machine.
    exec systemd-nspawn -D "$folder/root" --machine="$name" --boot --register=no --keep-unit --console=pipe \
        --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
        "${network[@]}" --link-journal=no systemd.unit=boot-test.target </dev/null >"$folder/console" 2>&1
) &
container=$!
for _ in $(seq 900); do
    kill -0 "$container" 2>/dev/null || failed "systemd-nspawn ended"
    leader=$(cat /proc/"$container"/task/*/children 2>/dev/null | awk '{ print $1; exit }')
    if [ -n "$leader" ]; then
        state=$(nsenter -t "$leader" -a systemctl is-system-running 2>/dev/null)
        case $state in running | degraded) break ;; esac
    fi
    sleep 0.1
done
case ${state-} in running | degraded) ;; *) failed "systemd did not come up in the container (${state-})" ;; esac
echo "leader $leader"
cat >/dev/null
