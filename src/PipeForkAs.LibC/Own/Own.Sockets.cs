using System.Runtime.InteropServices;
using Tmds.Linux;

namespace PipeForkAs.LibC;

internal static unsafe partial class Own
{
    internal const int SO_PEERPIDFD = 77;
    internal const int SO_PASSRIGHTS = 83;

    // The package's function does not keep errno, so a caller could not distinguish a signal from an error.
    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    internal static partial int poll(pollfd* entries, nuint count, int milliseconds);
}
