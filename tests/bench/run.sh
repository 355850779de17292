#!/usr/bin/env bash
# Measures PipeForkAs beside a bare C server and everything else that could be used instead; see README.md beside this file.
#   sudo tests/bench/run.sh [--quick] [--soak N] [--only PART ...]
# PIPEFORKAS_NATIVE names a folder of native executables; without it they are built. PIPEFORKAS_BENCH_OUTPUT names the folder of the
# report, by default artifacts/bench. Exits with 0 when everything ran and every reply was right.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 LANG=C.UTF-8

[ "$(id -u)" -eq 0 ] || { echo "run.sh: run it as root: sudo tests/bench/run.sh" >&2; exit 2; }
for tool in dotnet cc useradd; do
    command -v "$tool" >/dev/null || { echo "run.sh: $tool is needed" >&2; exit 2; }
done

scratch=$(mktemp -d /tmp/pipeforkas-bench-tools.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
for program in floor load; do
    cc -O2 -std=gnu17 -Wall -Wextra -Werror -pthread -o "$scratch/$program" "$here/$program.c"
done

native=${PIPEFORKAS_NATIVE:-}
if [ -z "$native" ]; then
    native=$scratch/native
    packaging/build.sh "$native" >&2
    dotnet publish tests/PipeForkAs.TestJobs -c Release -f "$(dotnet msbuild src/PipeForkAs.Daemon -getProperty:NativeFramework)" -r linux-x64 \
        -o "$scratch/test-jobs" --nologo -v quiet >&2
    install -m 755 "$scratch/test-jobs/pipeforkas-test-jobs" "$native/"
fi

bench=tests/bench/PipeForkAs.Bench
dotnet build "$bench" -c Release --nologo -v quiet -clp:NoSummary >&2
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit="$commit with changes"

# For 10,000 idle connections: the load generator and the daemon each hold one end.
ulimit -n 65536 2>/dev/null || ulimit -Sn "$(ulimit -Hn)"
[ "$(ulimit -n)" -ge 11000 ] || { echo "run.sh: 11,000 open files are needed, $(ulimit -n) are allowed" >&2; exit 2; }
dotnet exec "$(dotnet msbuild "$bench" -getProperty:TargetPath -p:Configuration=Release)" \
    --native "$native" --tools "$scratch" --contenders "$here/contenders" --output "${PIPEFORKAS_BENCH_OUTPUT:-$root/artifacts/bench}" --commit "$commit" "$@"
