#!/usr/bin/env bash
# Builds the native executables: pipeforkasd, pipeforkas and pipeforkas-jobs.
#   packaging/build.sh [DIR]     into DIR (default: artifacts/native)
# Needs the .NET 10 SDK and a C compiler.
set -euo pipefail
umask 022
top=$(realpath "$(dirname "$0")/..")
out=$(realpath -m "${1:-$top/artifacts/native}")
TMPDIR=$(realpath "${TMPDIR:-/tmp}")
cd "$top"

command -v cc >/dev/null || { echo "build.sh: no C compiler (cc), which linking native code needs; apt-get install gcc" >&2; exit 1; }

scratch=$(mktemp -d "$TMPDIR/pipeforkas-build.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
. packaging/sdk.sh
trap 'give_back; rm -rf "$scratch"' EXIT

mkdir -p "$out"
for project in Daemon Cli StockJobs; do
    sdk publish "src/PipeForkAs.$project" -c Release -r linux-x64 -o "artifacts/publish/$project" --nologo -v quiet "${reproducible[@]}"
done
install -m 755 artifacts/publish/Daemon/pipeforkasd artifacts/publish/Cli/pipeforkas artifacts/publish/StockJobs/pipeforkas-jobs "$out/"
ls -l "$out"
