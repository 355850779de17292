# The .NET SDK as the scripts here use it: nothing of it goes on running behind them, and only what others use too stays in /tmp (NuGet's locks, .NET's
# shared memory). Sourced, in the repository's folder, by scripts that have a folder $scratch, which goes with them.

# MSBuild's Exec does not quote the path of its script, and reports a missing linker instead.
case $scratch in
*[[:space:]]*)
    echo "$0: the folder for temporary files is $scratch; name one without white space in TMPDIR" >&2
    exit 1
    ;;
esac

# MSBuild's nodes and the compiler's server would wait for the next build for 10 to 15 minutes, as root where the script is.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# NuGet's locks guard its cache, which the same user may fill from elsewhere meanwhile: they stay where NuGet has them. It makes and checks that folder only
# where nobody names one.
if [ -z "${NUGET_SCRATCH:-}" ]; then
    NUGET_SCRATCH=${TMPDIR:-/tmp}/NuGetScratch$(id -un)
    mkdir -p -m 700 "$NUGET_SCRATCH"
    if [ ! -O "$NUGET_SCRATCH" ] || [ -L "$NUGET_SCRATCH" ]; then
        echo "$0: $NUGET_SCRATCH belongs to somebody else; remove it" >&2
        exit 1
    fi
    export NUGET_SCRATCH
fi

# dotnet, with a temporary folder that is the script's.
sdk() {
    mkdir -p "$scratch/tmp" && TMPDIR=$scratch/tmp dotnet "$@"
}
