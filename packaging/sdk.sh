# The .NET SDK for the scripts of this repository: it leaves no process behind, and in /tmp only what others use too (the locks of NuGet,
# the shared memory of .NET). Scripts source this file in the folder of the repository; they have a folder $scratch, and remove it at their
# end.

# Exec of MSBuild does not quote the path of its script, and reports a missing linker instead.
case $scratch in
*[[:space:]]*)
    echo "$0: the folder for temporary files has white space: $scratch; set TMPDIR to another one" >&2
    exit 1
    ;;
esac

# Without these, MSBuild's nodes and the compiler's server wait for the next build for 10 to 15 minutes, as root if the script runs as root.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# The locks of NuGet guard its cache, which the same user can fill from elsewhere meanwhile: they stay where NuGet has them. It creates and
# checks that folder only if no variable names one.
if [ -z "${NUGET_SCRATCH:-}" ]; then
    NUGET_SCRATCH=${TMPDIR:-/tmp}/NuGetScratch$(id -un)
    mkdir -p -m 700 "$NUGET_SCRATCH"
    # One check of the folder itself: between two checks its owner could replace it. A folder that passes is ours, and nobody else can move
    # it.
    if [ -z "$(find "$NUGET_SCRATCH" -maxdepth 0 -type d -user "$(id -u)")" ]; then
        echo "$0: $NUGET_SCRATCH belongs to another user; remove it" >&2
        exit 1
    fi
    export NUGET_SCRATCH
fi

# At its first run NuGet takes a mutex, which .NET implements as a file with a known name in /tmp/.dotnet: it follows links there, and
# truncates their targets. This file tells NuGet that it ran before.
mark=~
mark=${XDG_DATA_HOME:-$mark/.local/share}/NuGet/Migrations/1
[ -e "$mark" ] || { mkdir -p "${mark%/*}" && : >"$mark"; }

# Options of a build whose files contain no path of this machine: the same sources give the same files, wherever they are. The first one
# needs git, for the links to sources in symbols.
if git rev-parse --git-dir >/dev/null 2>&1; then
    # shellcheck disable=SC2034
    reproducible=(-p:ContinuousIntegrationBuild=true)
else
    # shellcheck disable=SC2034
    reproducible=("-p:PathMap=$PWD/=/_/")
fi

# Gives what root built in a clone to the owner of the clone, who does the next build.
give_back() {
    [ "$(id -u)" -ne 0 ] || [ "$(stat -c %u .)" -eq 0 ] \
        || chown -h -R --reference=. artifacts {src,tests,tests/bench}/*/{bin,obj} 2>/dev/null || true
}

# Runs dotnet with a temporary folder of the script.
sdk() {
    mkdir -p "$scratch/tmp" && TMPDIR=$scratch/tmp dotnet "$@"
}
