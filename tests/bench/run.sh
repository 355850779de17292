#!/usr/bin/env bash
# Measures PipeForkAs beside a bare C server and everything else that could be used instead; see README.md beside this file.
#   sudo tests/bench/run.sh [--boot] [--quick] [--soak N] [--only PART ...]
#   sudo tests/bench/run.sh --fleet [N ...]     only many hosts, asked from one by ssh and, if it is installed, by Ansible; with fleet.py
# With --boot it runs in a container with its own systemd, which systemd-run needs (systemd-container).
# PIPEFORKAS_NATIVE names a folder of native executables; without it they are built. PIPEFORKAS_BENCH_OUTPUT names the folder of the
# report, by default artifacts/bench. Exits with 0 when everything ran and every reply was right.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
umask 022
export LANG=C.UTF-8

[ "$(id -u)" -eq 0 ] || { echo "run.sh: run it as root: sudo tests/bench/run.sh" >&2; exit 2; }
for tool in dotnet cc useradd; do
    command -v "$tool" >/dev/null || { echo "run.sh: $tool is needed" >&2; exit 2; }
done

boot= fleet=
case ${1-} in
--boot) boot=yes; shift ;;
--fleet)
    fleet=yes
    shift
    for tool in ip ssh sshd setpriv python3; do
        command -v "$tool" >/dev/null \
            || { echo "run.sh: $tool is needed: apt-get install iproute2 openssh-client openssh-server util-linux python3" >&2; exit 2; }
    done
    ;;
esac

# A container has its own /tmp, and also sees this folder.
scratch=$(mktemp -d /var/tmp/pipeforkas-bench-tools.XXXXXX)
container= container_input=
finish() {
    if [ -n "$container_input" ]; then
        exec {container_input}>&-
        wait "$container" || true
    elif [ -n "$container" ]; then
        kill "$container" && wait "$container" || true
    fi
    give_back
    rm -rf "$scratch"
}
chmod 755 "$scratch"
. packaging/sdk.sh
trap finish EXIT
for program in floor load; do
    cc -O2 -std=gnu17 -Wall -Wextra -Werror -pthread -o "$scratch/$program" "$here/$program.c"
done

native=${PIPEFORKAS_NATIVE:-}
if [ -z "$native" ]; then
    native=$scratch/native
    packaging/build.sh "$native" >&2
    sdk publish tests/PipeForkAs.TestJobs -c Release -r linux-x64 -o "$scratch/test-jobs" --nologo -v quiet >&2
    install -m 755 "$scratch/test-jobs/pipeforkas-test-jobs" "$native/"
fi

output=$(realpath -m "${PIPEFORKAS_BENCH_OUTPUT:-$root/artifacts/bench}")
report=$output
if [ -n "$boot" ]; then
    report=$scratch/report
    [ "$native" = "$scratch/native" ] || cp -r "$native" "$scratch/native"
    native=$scratch/native
fi

if [ -n "$fleet" ]; then
    options=(--native "$native" --output "$output/fleet.md")
    if command -v ansible >/dev/null; then
        packaging/pack-ansible.sh "$scratch/ansible" >&2
        options+=(--collection "$scratch"/ansible/*.tar.gz)
    fi
    [ $# -eq 0 ] || options+=(--hosts "$@")
    mkdir -p "$output"
    python3 "$here/fleet.py" "${options[@]}"
    cat "$output/fleet.md"
    exit
fi

bench=tests/bench/PipeForkAs.Bench
sdk build "$bench" -c Release --nologo -v quiet -clp:NoSummary >&2
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit="$commit with changes"

# For 10,000 idle connections: the load generator and the daemon each have one end.
ulimit -n 65536 2>/dev/null || ulimit -Sn "$(ulimit -Hn)"
[ "$(ulimit -n)" -ge 11000 ] || { echo "run.sh: 11,000 open files are needed, $(ulimit -n) are allowed" >&2; exit 2; }
program=$(sdk msbuild "$bench" -getProperty:TargetPath -p:Configuration=Release)
contenders=$here/contenders
if [ -n "$boot" ]; then
    cp -r "$(dirname "$program")" "$scratch/bench"
    cp -r "$contenders" "$scratch/contenders"
    program=$scratch/bench/$(basename "$program")
    contenders=$scratch/contenders
fi
run=(dotnet exec "$program" --native "$native" --tools "$scratch" --contenders "$contenders" --output "$report" --commit "$commit" "$@")
if [ -z "$boot" ]; then
    "${run[@]}"
    exit
fi

mkfifo "$scratch/input" "$scratch/output"
unshare --mount --propagation private bash "$root/tests/PipeForkAs.Boot/Harness/container.sh" \
    "pipeforkas-bench-$$" "$(mktemp -d /tmp/pipeforkas-bench-boot.XXXXXX)" \
    <"$scratch/input" >"$scratch/output" &
container=$!
exec {container_input}>"$scratch/input"
read -r word leader <"$scratch/output" || { echo "run.sh: container.sh ended without a word" >&2; exit 2; }
[ "$word" = leader ] || { echo "run.sh: there is no container: $leader" >&2; exit 2; }
status=0
nsenter -t "$leader" -a -- env -i PATH="$PATH" HOME=/root LANG="$LANG" "${run[@]}" || status=$?
mkdir -p "$output"
cp "/proc/$leader/root$report"/* "$output/"
exit "$status"
