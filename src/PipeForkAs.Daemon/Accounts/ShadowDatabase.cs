using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>The shadow database, as far as it can be trusted to say that there is no entry.</summary>
internal static class ShadowDatabase
{
    private const string File = "/etc/shadow";

    /// <summary>
    /// The entry of an account; null where there is none. Where the file is closed to the daemon, a name service switch with more
    /// services than <c>files</c>
    /// says that there is none, for an account that has expired, too: then nobody can say.
    /// </summary>
    /// <exception cref="SystemCallException">The database cannot be asked, or its file not be read.</exception>
    public static ShadowEntry? Find(string name)
    {
        ShadowEntry? entry = Libc.getspnam(name);
        if (entry is null && Libc.stat(File) is not null)
            Libc.open(File, OpenFlags.O_RDONLY).Dispose();
        return entry;
    }
}
