namespace PipeForkAs.Cli.Commands;

/// <summary>Reads the lines of <c>dial</c> that the clients send, without System.CommandLine: each remote request starts one.</summary>
internal static class UsualDial
{
    /// <summary>Returns the options; null if System.CommandLine must read the line.</summary>
    /// <param name="args">The words after the program's name.</param>
    public static DialOptions? Parse(ReadOnlySpan<string> args)
    {
        const string SocketPrefix = "--socket=", UidPrefix = "--daemon-uid=";
        if (args is not ["dial", .. var rest])
            return null;
        string? socket = null;
        string? uidWord = null;
        uint? uid = 0;
        foreach (string word in rest)
        {
            if (socket is null && word.StartsWith(SocketPrefix, StringComparison.Ordinal) && IsPlain(word[SocketPrefix.Length..]))
            {
                socket = word[SocketPrefix.Length..];
            }
            else if (uidWord is null && word.StartsWith(UidPrefix, StringComparison.Ordinal))
            {
                uidWord = word[UidPrefix.Length..];
                if (!DaemonUidOption.TryParse(uidWord, out uid))
                    return null;
            }
            else
            {
                return null;
            }
        }

        return new DialOptions(socket, uid);
    }

    private static bool IsPlain(string path) => path is ['/' or '.', _, ..] && path.All(letter => letter is > ' ' and <= '~');
}
