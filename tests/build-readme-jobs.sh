#!/usr/bin/env bash
# Builds the job host of README.md's "Write a job" with the files and commands of README: from the NuGet packages, and nothing else.
#   tests/build-readme-jobs.sh FILE [PACKAGES]     installs the executable as FILE; PACKAGES is a folder of packaging/pack.sh (default: new)
set -euo pipefail
umask 022
[ $# -eq 1 ] || [ $# -eq 2 ] || { echo "usage: $0 FILE [PACKAGES]" >&2; exit 2; }
file=$(realpath -m "$1")
packages=${2:+$(realpath "$2")}
TMPDIR=$(realpath "${TMPDIR:-/tmp}")
cd "$(dirname "$0")/.."
scratch=$(mktemp -d "$TMPDIR/pipeforkas-readme.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
. packaging/sdk.sh
trap 'give_back; rm -rf "$scratch"' EXIT
if [ -z "$packages" ]; then
    packages=$scratch/packages
    packaging/pack.sh "$packages"
fi

# The SDK reads settings from all folders above a project. So the project is not in /tmp, where anybody can put settings for root, and
# empty files hide the settings of this repository, which an author does not have.
project=artifacts/readme/panel-jobs
rm -rf "$project"
mkdir -p "$project"
for settings in Directory.Build.props Directory.Build.targets Directory.Packages.props; do
    echo '<Project />' >"artifacts/readme/$settings"
done
: >artifacts/readme/Directory.Build.rsp
echo 'root = true' >artifacts/readme/.editorconfig

# The packages come beside the sources that the machine has. What NuGet unpacks of them must not stay in its cache: the next packages may
# have the same version. Of the others, it uses what the cache has.
cat >artifacts/readme/nuget.config <<CONFIG
<configuration>
  <packageSources><add key="pipeforkas" value="$packages" /></packageSources>
</configuration>
CONFIG
cache=~
cache=${NUGET_PACKAGES:-$cache/.nuget/packages}
export NUGET_PACKAGES=$scratch/nuget
[ ! -d "$cache" ] || export NUGET_FALLBACK_PACKAGES=$cache

# The first block of code in a language after the heading.
example() {
    awk -v start="\`\`\`$1" \
        '/^## /{there = $0 == "## Write a job"} there && on && $0 == "```"{exit} on{print} there && $0 == start{on = 1}' README.md
}

example csharp >"$project/Program.cs"
example xml >"$project/panel-jobs.csproj"

# The commands after the project file, unchanged except for sudo and the path of the installation.
awk '/^```/{fenced = !fenced} /^```xml/{behind = 1} /^#/ && !fenced{there = $0 == "## Write a job"; behind = 0}
    there && behind && !fenced && /^    /{print substr($0, 5)}' README.md \
    | sed "s|^sudo ||; s|/opt/panel/panel-jobs|$file|; s|^dotnet |sdk |; \$!s/\$/ \&\&/" >"$scratch/commands"
[ "$(wc -l <"$scratch/commands")" -eq 3 ] || { echo "$0: README.md lacks the commands of \"Write a job\"" >&2; exit 1; }
run() { (cd "$project" && . "$scratch/commands"); }
run >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
grep -q '"Hello, World"' "$scratch/log" || { cat "$scratch/log" >&2; echo "$0: the job greet did not run" >&2; exit 1; }
[ -x "$file" ]
