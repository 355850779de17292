namespace PipeForkAs.LibC;

/// <summary>Our own declarations of libc: what Tmds.LibC lacks, and what it declares in an unsuitable way, each with the reason. Everything
/// else comes from the package, as <c>C</c>. README.md has the table, and tests check it against the code.
/// </summary>
internal static unsafe partial class Own
{
    /// <summary>CoreCLR resolves this name to libc.so.6; the native compiler links it directly (DirectPInvoke), as it does the package's
    /// name, libc.so.6.
    /// </summary>
    private const string Library = "libc";
}
