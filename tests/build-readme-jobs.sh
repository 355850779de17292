#!/usr/bin/env bash
# Builds natively the job host that README.md shows under "Write a job", as it stands there; only the path of the clone is put in.
#   tests/build-readme-jobs.sh FOLDER EXECUTABLE
# FOLDER is made, and holds the project; the executable is installed as EXECUTABLE.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 FOLDER EXECUTABLE" >&2; exit 2; }
mkdir -p "$1"
folder=$(realpath "$1") executable=$(realpath -m "$2")
cd "$(dirname "$0")/.."
scratch=$folder/.scratch
. packaging/sdk.sh

# The first block of code of a language behind the heading.
example() { awk -v start="\`\`\`$1" '/^## /{there = $0 == "## Write a job"} there && on && $0 == "```"{exit} on{print} there && $0 == start{on = 1}' README.md; }

example csharp >"$folder/Program.cs"
example xml | sed "s|\.\./pipeforkas/|$PWD/|g" >"$folder/panel-jobs.csproj"
# README's own command, in the project's folder.
(cd "$folder" && sdk publish -f net9.0 -r linux-x64 --nologo -v quiet)
install -D -m 755 "$folder/bin/Release/net9.0/linux-x64/publish/panel-jobs" "$executable"
