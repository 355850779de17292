using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>The shadow database, with a check whether its answer that there is no entry can be trusted.</summary>
internal static class ShadowDatabase
{
    private const string File = "/etc/shadow";

    private static readonly ulong Seed = BitConverter.ToUInt64(Libc.getrandom(sizeof(ulong)));

    /// <summary>
    /// Returns the entry of an account; null if there is none. If the daemon cannot read the file, a name service switch with more services
    /// than <c>files</c> says that there is no entry, even for an expired account: then the answer is unknown.
    /// </summary>
    /// <exception cref="SystemCallException">The lookup failed, or the file cannot be read.</exception>
    public static ShadowEntry? Find(string name)
    {
        ShadowEntry? entry = Libc.getspnam(name, Seed);
        if (entry is null && Libc.stat(File) is not null)
            Libc.open(File, OpenFlags.O_RDONLY).Dispose();
        return entry;
    }
}
