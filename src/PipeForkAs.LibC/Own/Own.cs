namespace PipeForkAs.LibC;

/// <summary>
/// Our own declarations of libc: what Tmds.LibC lacks, and what it has in another way than it is needed here, with the reason beside it.
/// All else is the package's, as <c>C</c>. README.md has the table, and tests check it against the code.
/// </summary>
internal static unsafe partial class Own
{
    /// <summary>
    /// CoreCLR resolves this name to libc.so.6; the native compiler links it directly (DirectPInvoke), as the package's name, libc.so.6.
    /// </summary>
    private const string Library = "libc";
}
