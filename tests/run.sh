#!/usr/bin/env bash
# Installs what the tests need, checks the format, builds (warnings are errors), and runs all tests.
#   sudo tests/run.sh
# Its last line is "N passed, N failed", all suites together. Needs root: the tests make users and run jobs as them.
set -uo pipefail
cd "$(dirname "$0")/.."
umask 022
export LANG=C.UTF-8

fail() { printf '%s\n' "$*" >&2; echo "0 passed, 1 failed"; exit 1; }

[ "$(id -u)" -eq 0 ] || fail "tests/run.sh: run it as root: sudo tests/run.sh"
command -v dotnet >/dev/null || fail "tests/run.sh: the .NET 10 SDK is needed: dotnet is not on the PATH"

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v socat >/dev/null || missing+=(socat)
command -v setpriv >/dev/null || missing+=(util-linux)
command -v useradd >/dev/null || missing+=(passwd)
command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
[ -x /lib/systemd/systemd ] || missing+=(systemd)
command -v pgrep >/dev/null || missing+=(procps)
command -v dh >/dev/null || missing+=(debhelper)
command -v lintian >/dev/null || missing+=(lintian)
command -v man >/dev/null || missing+=(man-db)
command -v mandoc >/dev/null || missing+=(mandoc)
command -v logrotate >/dev/null || missing+=(logrotate)
command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
command -v git >/dev/null || missing+=(git)
command -v sftp >/dev/null || missing+=(openssh-client)
[ -x /usr/lib/openssh/sftp-server ] || missing+=(openssh-sftp-server)
command -v rsync >/dev/null || missing+=(rsync)
command -v zsh >/dev/null || missing+=(zsh)
command -v fish >/dev/null || missing+=(fish)
compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer_no_main-*.a' >/dev/null || missing+=(libclang-rt-dev)
if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } >/dev/null \
        || fail "tests/run.sh: cannot install ${missing[*]}"
fi

scratch=$(mktemp -d /tmp/pipeforkas-tests.XXXXXX) || fail "tests/run.sh: no folder can be made in /tmp"
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
. packaging/sdk.sh
trap 'give_back; rm -rf "$scratch"' EXIT

echo "== restore"
sdk restore PipeForkAs.sln --nologo -v quiet || fail "the restore failed; after a change of packages: dotnet restore --force-evaluate, and commit the lock files"
echo "== format"
touch "$scratch/before-format"
sdk format PipeForkAs.sln --no-restore --verify-no-changes || fail "the format is not clean: run dotnet format"
# The socket between its processes has a name of its own making, in /tmp whatever TMPDIR says.
find /tmp -maxdepth 1 -type s -user root -newer "$scratch/before-format" -regextype posix-extended -regex '/tmp/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' -delete
echo "== build"
sdk build PipeForkAs.sln --no-restore -c Release --nologo -v quiet || fail "the build failed"

echo "== native executables, with .NET $(sdk msbuild src/PipeForkAs.Daemon -getProperty:PipeForkAsNativeVersion)"
packaging/build.sh "$scratch/native" || fail "the native build failed"
sdk publish tests/PipeForkAs.TestJobs -c Release -r linux-x64 -o "$scratch/test-jobs" --nologo -v quiet \
    || fail "the native build of the test jobs failed"
install -m 755 "$scratch/test-jobs/pipeforkas-test-jobs" "$scratch/native/"
echo "== README's job host"
tests/build-readme-jobs.sh "$scratch/native/panel-jobs" || fail "what README's \"Write a job\" shows cannot be built"
export PIPEFORKAS_NATIVE="$scratch/native" PIPEFORKAS_PROGRAM="$scratch/native/pipeforkas"
echo "== package"
PIPEFORKAS_DEB=$(packaging/build-deb.sh "$scratch/deb" "$scratch/native" | tail -n 1) || fail "the package's build failed"
export PIPEFORKAS_DEB

# A .NET process that is killed, as tests do, would leave its debugger's pipes in /tmp.
export DOTNET_EnableDiagnostics=0

passed=0 failed=0 skipped=0
for project in tests/*.Tests tests/PipeForkAs.EndToEnd tests/PipeForkAs.Boot; do
    name=$(basename "$project")
    [ -f "$project/$name.csproj" ] || continue
    echo "== $name"
    dll=$(sdk msbuild "$project" -getProperty:TargetPath -p:Configuration=Release)
    # In the foreground: Ctrl-C ends the tests too.
    timeout --foreground --kill-after=30 1800 dotnet exec "$dll" -noLogo -noColor >"$scratch/output" 2>&1 </dev/null
    status=$?
    # The runner's summary: "   NAME  Total: 12, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 1.2s"
    summary=$(grep -E 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$scratch/output" | tail -n 1)
    if [ -z "$summary" ]; then
        cat "$scratch/output"
        echo "$name did not come to its end (status $status)"
        failed=$((failed + 1))
        continue
    fi

    number() { sed -nE "s/.*$1: ([0-9]+).*/\1/p" <<<"$summary"; }
    bad=$(($(number Errors) + $(number Failed)))
    skips=$(number Skipped)
    [ "$bad" -eq 0 ] && [ "$status" -eq 0 ] || cat "$scratch/output"
    [ "$bad" -gt 0 ] || [ "$status" -eq 0 ] || bad=1
    grep -E '\[SKIP\]' -A 1 "$scratch/output"
    grep -E '^measured: ' "$scratch/output"
    echo "$summary"
    failed=$((failed + bad))
    skipped=$((skipped + skips))
    passed=$((passed + $(number Total) - $(number Failed) - skips))
done

echo "== fuzzing"
PIPEFORKAS_BUILT=1 timeout --foreground --kill-after=30 600 tests/fuzz/run.sh --short >"$scratch/output" 2>&1 </dev/null
summary=$(grep -E '^[0-9]+ targets, [0-9]+ inputs, [0-9]+ failures$' "$scratch/output" | tail -n 1)
read -r targets _ _ _ bad _ <<<"${summary:-1 targets, 0 inputs, 1 failures}"
[ "$bad" -eq 0 ] || cat "$scratch/output"
echo "${summary:-fuzzing did not come to its end}"
failed=$((failed + bad))
passed=$((passed + targets - bad))

if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
