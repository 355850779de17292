using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>Whether a file that root acts upon can have been written by anyone but root.</summary>
internal static class TrustedFile
{
    private const uint WritableByOthers = 0x12; // 022
    private const uint Sticky = 0x200; // 01000

    /// <summary>What is wrong with a file, or null. It and every folder above it must be root's, and closed to the writing of others (a sticky folder, as /tmp, is as good).</summary>
    public static string? Problem(string path)
    {
        if (!Path.IsPathRooted(path))
            return "it must be an absolute path";

        string full;
        try
        {
            full = Resolve(path);
        }
        catch (IOException failure)
        {
            return failure.Message;
        }

        if (Libc.stat(full) is not { } file)
            return "there is no such file";
        if (file.Kind != FileKind.Regular)
            return $"it is no regular file but a {file.Kind}";
        if (Wrong(file, full, allowSticky: false) is { } wrong)
            return wrong;

        for (string? folder = Path.GetDirectoryName(full); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Libc.stat(folder) is not { } status)
                return $"its folder {folder} vanished";
            if (Wrong(status, folder, allowSticky: true) is { } wrongFolder)
                return wrongFolder;
        }

        return null;
    }

    private static string? Wrong(FileStatus status, string path, bool allowSticky)
    {
        if (status.Owner != UserId.Root)
            return $"{path} belongs to uid {status.Owner}; it must be root's (chown root)";
        if ((status.Permissions & WritableByOthers) != 0 && !(allowSticky && (status.Permissions & Sticky) != 0))
            return $"{path} may be written by others than root; close it (chmod go-w)";
        return null;
    }

    /// <summary>The path without symbolic links, each of which is followed as the kernel would.</summary>
    private static string Resolve(string path)
    {
        string current = "/";
        var parts = new Stack<string>(Pieces(Path.GetFullPath(path)));
        for (int links = 0; parts.TryPop(out string? part);)
        {
            if (part == ".")
                continue;
            if (part == "..")
            {
                current = Path.GetDirectoryName(current) ?? "/";
                continue;
            }

            string next = Path.Combine(current, part);
            if (Libc.lstat(next) is not { Kind: FileKind.SymbolicLink })
            {
                current = next;
                continue;
            }

            if (++links > 40)
                throw new IOException($"{path} has too many symbolic links");
            string target = new FileInfo(next).LinkTarget ?? throw new IOException($"the symbolic link {next} cannot be read");
            if (target.StartsWith('/'))
                current = "/";
            foreach (string piece in Pieces(target))
                parts.Push(piece);
        }

        return current;
    }

    /// <summary>The parts of a path, last first.</summary>
    private static IEnumerable<string> Pieces(string path) => Enumerable.Reverse(path.Split('/', StringSplitOptions.RemoveEmptyEntries));
}
