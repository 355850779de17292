#!/usr/bin/env bash
# Builds the job host of README.md's "Write a job" with the files and commands of README; only the path of the clone differs.
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

# The SDK reads settings from all folders above a project. So the project is not in /tmp, where anybody can put settings for root, and
# empty files hide the settings of this repository, which an author does not have.
project=artifacts/readme/panel-jobs
rm -rf "$project"
mkdir -p "$project"
for settings in Directory.Build.props Directory.Build.targets Directory.Packages.props; do echo '<Project />' >"artifacts/readme/$settings"; done
: >artifacts/readme/Directory.Build.rsp
echo 'root = true' >artifacts/readme/.editorconfig

# The first block of code in a language after the heading.
example() { awk -v start="\`\`\`$1" '/^## /{there = $0 == "## Write a job"} there && on && $0 == "```"{exit} on{print} there && $0 == start{on = 1}' README.md; }

example csharp >"$project/Program.cs"
example xml | sed 's|\.\./pipeforkas/|../../../|g' >"$project/panel-jobs.csproj"

# The commands of the section, unchanged except for sudo and the path of the installation.
awk '/^```/{fenced = !fenced} /^#/ && !fenced{there = $0 == "## Write a job"} there && !fenced && /^    /{print substr($0, 5)}' README.md \
    | sed "s|^sudo ||; s|/opt/panel/panel-jobs|$file|; s|^dotnet |sdk |; \$!s/\$/ \&\&/" >"$scratch/commands"
[ "$(wc -l <"$scratch/commands")" -ge 3 ] || { echo "$0: README.md lacks the commands of \"Write a job\"" >&2; exit 1; }
run() { (cd "$project" && . "$scratch/commands"); }
run >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
grep -q '"Hello, World"' "$scratch/log" || { cat "$scratch/log" >&2; echo "$0: the job greet did not run" >&2; exit 1; }
[ -x "$file" ]
