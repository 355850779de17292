#!/usr/bin/env bash
# Installs what the tests need, checks the format, builds (warnings are errors), and runs all tests.
#   sudo tests/run.sh            everything
#   sudo tests/run.sh --quick    format, build, and the suites that need no native executables
# Its last line is "N passed, N failed[, N skipped]", all suites together. Needs root: the tests create users and run jobs as them.
#
# Suites run in parallel lanes: each lane runs one suite after the other, the longest first. The tests with the trait
# Needs=quiet, which measure, run at the end, alone. Each suite has its own users, sockets, control groups and folders, named after its
# process. The trait Takes=long says which half of EndToEnd a class belongs to.
set -uo pipefail
cd "$(dirname "$0")/.."
umask 022
export LANG=C.UTF-8

fail() { printf '%s\n' "$*" >&2; echo "0 passed, 1 failed"; exit 1; }

quick=
case ${1:-} in
'') ;;
--quick) quick=1 ;;
*) fail "usage: tests/run.sh [--quick]" ;;
esac

[ "$(id -u)" -eq 0 ] || fail "tests/run.sh: run it as root: sudo tests/run.sh"
command -v dotnet >/dev/null || fail "tests/run.sh: the .NET 10 SDK is needed: dotnet is not on the PATH"

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v socat >/dev/null || missing+=(socat)
command -v python3 >/dev/null || missing+=(python3)
command -v setpriv >/dev/null || missing+=(util-linux)
command -v useradd >/dev/null || missing+=(passwd)
command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
[ -x /lib/systemd/systemd ] || missing+=(systemd)
command -v pgrep >/dev/null || missing+=(procps)
command -v dh >/dev/null || missing+=(debhelper)
command -v dh_python3 >/dev/null || missing+=(dh-python)
command -v python3 >/dev/null || missing+=(python3)
for python in python3 /usr/bin/python3; do "$python" -c 'import setuptools, pip, wheel' 2>/dev/null && break; done \
    || missing+=(python3-pip python3-setuptools python3-wheel)
command -v node >/dev/null || missing+=(nodejs)
command -v php >/dev/null || missing+=(php-cli)
command -v lintian >/dev/null || missing+=(lintian)
command -v man >/dev/null || missing+=(man-db)
command -v mandoc >/dev/null || missing+=(mandoc)
command -v logrotate >/dev/null || missing+=(logrotate)
command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
command -v git >/dev/null || missing+=(git)
command -v sftp >/dev/null || missing+=(openssh-client)
[ -x /usr/lib/openssh/sftp-server ] || missing+=(openssh-sftp-server)
[ -x /usr/sbin/sshd ] || missing+=(openssh-server)
command -v rsync >/dev/null || missing+=(rsync)
[ -x /usr/sbin/sshd ] || missing+=(openssh-server)
/usr/bin/python3 -c 'import apt' 2>/dev/null || missing+=(python3-apt)
command -v ansible-playbook >/dev/null || missing+=(ansible-core)
nc -h 2>&1 | grep -q OpenBSD || missing+=(netcat-openbsd)
command -v zsh >/dev/null || missing+=(zsh)
command -v fish >/dev/null || missing+=(fish)
[ -x /usr/bin/chromium ] || missing+=(chromium)
[ -x /usr/sbin/nginx ] || missing+=(nginx-light)
command -v systemd-socket-activate >/dev/null || missing+=(systemd)
compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer_no_main-*.a' >/dev/null || missing+=(libclang-rt-dev)
if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    # The tests start their own nginx and sshd; the packages must not start theirs: invoke-rc.d(8).
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        policy=
    else
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } >/dev/null \
        || fail "tests/run.sh: cannot install ${missing[*]}"
    [ -z "$policy" ] || rm -f "$policy"
fi

scratch=$(mktemp -d /tmp/pipeforkas-tests.XXXXXX) || fail "tests/run.sh: no folder can be created in /tmp"
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
. packaging/sdk.sh
trap 'give_back; rm -rf "$scratch"' EXIT
mkdir "$scratch/tmp" "$scratch/outputs"
dotnet=(env "TMPDIR=$scratch/tmp" dotnet)
# A killed .NET process, as in the tests, would leave the pipes of its debugger in /tmp.
export DOTNET_EnableDiagnostics=0

child= lanes=()

# Runs a program in its own process group, and leaves nothing of it when this returns or a signal arrives: a signal reaches all of it.
run() {
    local limit=$1
    shift
    timeout --kill-after=60 "$limit" "$@" </dev/null &
    child=$!
    wait "$child"
    local status=$?
    child=
    return "$status"
}

stop() {
    trap '' INT TERM HUP
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
    [ ${#lanes[@]} -eq 0 ] || kill -TERM "${lanes[@]}" 2>/dev/null
    wait
}

# Mounts that tests had no time to remove: a disk, which may be frozen.
unmount() {
    local place
    awk -v below="$scratch/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | while read -r place; do
        fsfreeze --unfreeze "$place" 2>/dev/null
        umount --lazy "$place"
    done
}

# Containers end by themselves some seconds after their test.
interrupted() {
    stop
    for ((i = 0; i < 200; i++)); do
        compgen -G "${TMPDIR:-/tmp}/pipeforkas-boot-*" >/dev/null || break
        sleep 0.1
    done
    unmount
    echo "tests/run.sh: ended by SIG$1" >&2
    echo "0 passed, 1 failed"
    exit "$((128 + $2))"
}
trap 'interrupted INT 2' INT
trap 'interrupted TERM 15' TERM
trap 'interrupted HUP 1' HUP

# Begins a lane: a function that runs in parallel to this script.
lane() {
    (
        lanes=()
        trap 'stop; exit 143' INT TERM HUP
        "$@"
    ) &
    lanes+=($!)
}

# Waits for the lanes; a failed lane has reported the reason.
join() {
    local lane status=0
    for lane; do wait "$lane" || status=1; done
    return "$status"
}

# Waits for all lanes. A lane that did not reach its end has failed.
finish() {
    join "${lanes[@]}" || { echo "a lane of suites ended early"; echo "0 1 0" >>"$scratch/counts"; }
    lanes=()
}

# Prints a line or a block of one lane, not mixed with those of others.
report() { flock "$scratch" cat; }

timed() { echo "$1 $2" >>"$scratch/times"; }

# A step whose output is shown only if it fails: step NAME LIMIT PROGRAM...
step() {
    local name=$1 limit=$2 begun=$SECONDS status
    shift 2
    run "$limit" "$@" >"$scratch/outputs/$name" 2>&1
    status=$?
    { echo "== $name: $((SECONDS - begun)) s"; [ "$status" -eq 0 ] || cat "$scratch/outputs/$name"; } | report
    timed "$name" "$((SECONDS - begun))"
    return "$status"
}

# A suite of tests: suite TITLE PROJECT [FILTER...]. EndToEnd and Boot remove their leftovers themselves.
suite() {
    local title=$1 name=$2 begun=$SECONDS status summary bad skips total
    local output="$scratch/outputs/$title"
    shift 2
    local program=(dotnet exec "tests/$name/bin/Release/$framework/$name.dll" -noLogo -noColor)
    case $name in
    *.Tests) program=(env "TMPDIR=$scratch/tmp" "${program[@]}") ;;
    esac
    run 3600 "${program[@]}" "$@" >"$output" 2>&1
    status=$?
    timed "$title" "$((SECONDS - begun))"
    # The runner's summary: "   NAME  Total: 12, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 1.2s"
    summary=$(grep -E 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$output" | tail -n 1)
    if [ -z "$summary" ]; then
        { echo "== $title"; cat "$output"; echo "$title did not come to its end (status $status)"; } | report
        echo "0 1 0" >>"$scratch/counts"
        return
    fi

    number() { sed -nE "s/.*$1: ([0-9]+).*/\1/p" <<<"$summary"; }
    total=$(number Total)
    bad=$(($(number Errors) + $(number Failed)))
    skips=$(number Skipped)
    # A filter that selects nothing is a mistake.
    [ "$bad" -gt 0 ] || { [ "$status" -eq 0 ] && [ "$total" -gt 0 ]; } || bad=1
    {
        echo "== $title: $((SECONDS - begun)) s"
        [ "$bad" -eq 0 ] || cat "$output"
        grep -E '\[SKIP\]' -A 1 "$output"
        grep -E '^measured: ' "$output"
        echo "$summary"
    } | report
    echo "$((total - $(number Failed) - skips)) $bad $skips" >>"$scratch/counts"
}

fuzz() {
    local begun=$SECONDS summary targets bad output="$scratch/outputs/fuzzing"
    # Tests wait for the processors.
    PIPEFORKAS_BUILT=1 run 1800 nice tests/fuzz/run.sh --short >"$output" 2>&1
    timed fuzzing "$((SECONDS - begun))"
    summary=$(grep -E '^[0-9]+ targets, [0-9]+ inputs, [0-9]+ failures$' "$output" | tail -n 1)
    read -r targets _ _ _ bad _ <<<"${summary:-1 targets, 0 inputs, 1 failures}"
    {
        echo "== fuzzing: $((SECONDS - begun)) s"
        [ "$bad" -eq 0 ] || cat "$output"
        echo "${summary:-fuzzing did not come to its end}"
    } | report
    echo "$((targets - bad)) $bad 0" >>"$scratch/counts"
}

build() { step build 1800 "${dotnet[@]}" build PipeForkAs.sln --no-restore -c Release --nologo -v quiet; }

format() {
    local status=0
    touch "$scratch/before-format"
    # The build runs the analyzers of code and style, and fails at findings; it does not check the layout and the order of using lines.
    step format 1800 "${dotnet[@]}" format whitespace PipeForkAs.sln --no-restore --verify-no-changes || status=1
    step imports 1800 "${dotnet[@]}" format style PipeForkAs.sln --no-restore --verify-no-changes \
        --diagnostics IMPORTS || status=1
    # The socket between its processes is in /tmp, independent of TMPDIR.
    find /tmp -maxdepth 1 -type s -user root -newer "$scratch/before-format" \
        -regextype posix-extended -regex '/tmp/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' -delete
    [ "$status" -eq 0 ] || echo "the format is not clean: run dotnet format"
    short_lines || { echo "these lines have more than 140 characters: break them"; status=1; }
    return "$status"
}

# The formatter does not check the length of lines. grep counts characters, in the locale that is set above. A line of a table cannot be
# broken.
short_lines() {
    ! find . -name obj -prune -o -name bin -prune -o -name artifacts -prune -o -name '.?*' -prune \
        -o \( -name '*.cs' -o -name '*.c' -o -name '*.sh' -o -name '*.md' \) -exec grep -HnE '^[^|].{140,}$' {} + | grep .
}

# One after the other: each builds the libraries for the native runtime, in the same folders. The suites beside it use others.
natives() {
    step native 1800 packaging/build.sh "$native" || return
    step test-jobs 1800 "${dotnet[@]}" publish tests/PipeForkAs.TestJobs -c Release -r linux-x64 -o "$scratch/test-jobs" \
        --nologo -v quiet || return
    install -D -m 755 "$scratch/test-jobs/pipeforkas-test-jobs" "$native/pipeforkas-test-jobs" || return
    step page 1800 "${dotnet[@]}" publish src/PipeForkAs.Files -c Release -r linux-x64 -o "$scratch/page" --nologo -v quiet || return
    install -D -m 755 "$scratch/page/pipeforkas-files" "$native/pipeforkas-files" || return
    step packages 1800 packaging/pack.sh "$scratch/packages" || return
    step readme 1800 tests/build-readme-jobs.sh "$native/panel-jobs" "$scratch/packages"
}

# The suites that need no native executables, in two lanes.
large_units() {
    suite Daemon.Tests PipeForkAs.Daemon.Tests
    suite Protocol.Tests PipeForkAs.Protocol.Tests
}

small_units() {
    [ -z "$quick" ] || suite Cli.Tests PipeForkAs.Cli.Tests
    suite Fuzz.Tests PipeForkAs.Fuzz.Tests
    suite LibC.Tests PipeForkAs.LibC.Tests
    suite Jobs.Tests PipeForkAs.Jobs.Tests
    suite Jobs.Testing.Tests PipeForkAs.Jobs.Testing.Tests
    suite Client.Tests PipeForkAs.Client.Tests
    suite Architecture.Tests PipeForkAs.Architecture.Tests
    suite Files.Tests PipeForkAs.Files.Tests -trait- Needs=browser
}

units() {
    large_units
    small_units
}

long_end_to_end() { suite EndToEnd-long PipeForkAs.EndToEnd -trait Takes=long -trait- Needs=quiet; }

short_end_to_end() { suite EndToEnd-short PipeForkAs.EndToEnd -trait- Takes=long -trait- Needs=quiet; }

# The file page in a browser.
page() { suite Files.Tests-browser PipeForkAs.Files.Tests -trait Needs=browser; }

boot() {
    if ! step package 900 packaging/build-deb.sh "$scratch/deb" "$native"; then
        echo "0 1 0" >>"$scratch/counts"
        return
    fi

    PIPEFORKAS_DEB=$(tail -n 1 "$scratch/outputs/package") PIPEFORKAS_PACKAGES=$scratch/packages suite Boot PipeForkAs.Boot
    suite Cli.Tests PipeForkAs.Cli.Tests
}

step restore 1200 "${dotnet[@]}" restore PipeForkAs.sln --nologo -v quiet \
    || fail "the restore failed; after a change of packages: dotnet restore --force-evaluate, and commit the lock files"
framework=$("${dotnet[@]}" msbuild src/PipeForkAs.Daemon -getProperty:TargetFramework) || fail "the target framework cannot be read"
lane format
lane build
join "${lanes[@]}" || { stop; fail "the format or the build failed"; }

lanes=()
if [ -n "$quick" ]; then
    lane large_units
    lane small_units
    finish
else
    native=$scratch/native
    mkdir "$native"
    lane natives
    lane units
    join "${lanes[0]}" || { stop; fail "a native build failed"; }
    lanes=("${lanes[1]}")
    export PIPEFORKAS_NATIVE=$native PIPEFORKAS_PROGRAM=$native/pipeforkas
    lane long_end_to_end
    lane short_end_to_end
    lane boot
    lane page
    lane fuzz
    finish
    suite EndToEnd-quiet PipeForkAs.EndToEnd -trait Needs=quiet
fi

echo "== times in seconds, from the start to the end $SECONDS: $(paste -sd, "$scratch/times" | sed 's/,/, /g')"
read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$scratch/counts")
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
