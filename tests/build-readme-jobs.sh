#!/usr/bin/env bash
# Builds natively the job host that README.md shows under "Write a job", as it stands there; only the path of the clone is another.
#   tests/build-readme-jobs.sh FILE     installs the executable as FILE
set -euo pipefail
umask 022
[ $# -eq 1 ] || { echo "usage: $0 FILE" >&2; exit 2; }
file=$(realpath -m "$1")
TMPDIR=$(realpath "${TMPDIR:-/tmp}")
cd "$(dirname "$0")/.."
scratch=$(mktemp -d "$TMPDIR/pipeforkas-readme.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
. packaging/sdk.sh
trap 'give_back; rm -rf "$scratch"' EXIT

# The SDK takes settings from all folders above a project: it must not lie in /tmp, where anybody can leave some for root to go by; and those of this repository
# are not an author's.
project=artifacts/readme/panel-jobs
rm -rf "$project"
mkdir -p "$project"
for settings in Directory.Build.props Directory.Build.targets Directory.Packages.props; do echo '<Project />' >"artifacts/readme/$settings"; done
: >artifacts/readme/Directory.Build.rsp
echo 'root = true' >artifacts/readme/.editorconfig

# The first block of code of a language behind the heading.
example() { awk -v start="\`\`\`$1" '/^## /{there = $0 == "## Write a job"} there && on && $0 == "```"{exit} on{print} there && $0 == start{on = 1}' README.md; }

example csharp >"$project/Program.cs"
example xml | sed 's|\.\./pipeforkas/|../../../|g' >"$project/panel-jobs.csproj"
(cd "$project" && sdk publish -r linux-x64 --nologo -v quiet)
install -D -m 755 "$project/bin/Release/net10.0/linux-x64/publish/panel-jobs" "$file"
