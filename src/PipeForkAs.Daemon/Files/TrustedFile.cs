using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Files;

/// <summary>Checks that only root can have written a file on which root relies.</summary>
internal static class TrustedFile
{
    private const uint ExecutableByAnyone = 0x49; // 0111
    private const uint WritableByOthers = 0x12; // 022
    private const uint Sticky = 0x200; // 01000

    private const int MaxLinks = 40; // The kernel's limit; path_resolution(7).

    /// <summary>
    /// Returns the problem of a file, or null. Root must own the file, every symbolic link on the way to it and every folder on the way,
    /// and no other user may have write permission on them. (A sticky folder, for example /tmp, is also safe: no other user can replace
    /// root's files in it.)
    /// </summary>
    public static string? Problem(string path) => Problem(path, FileKind.Regular);

    /// <summary>Returns a problem with its path, unless the problem already names the path.</summary>
    public static string Line(string path, string problem)
    {
        int start = problem.IndexOf(path, StringComparison.Ordinal);
        bool isNamed = start >= 0 && (start + path.Length == problem.Length || problem[start + path.Length] is ' ' or ':' or '"');
        return isNamed ? problem : $"{path}: {problem}";
    }

    /// <summary>
    /// Checks an executable file in the same way. Its x bits and the file system decide later whether the user of a job may execute it.
    /// </summary>
    public static string? ProgramProblem(string path)
    {
        if (Problem(path) is { } problem)
            return problem;
        return Libc.stat(path) is { } status && (status.Permissions & ExecutableByAnyone) == 0
            ? "it is not executable; set its mode (chmod +x)" : null;
    }

    /// <summary>Checks a folder in the same way: only root can replace a file of root in it.</summary>
    public static string? FolderProblem(string path) => Problem(path, FileKind.Directory);

    /// <summary>
    /// Checks in the same way that only root can create a file in a folder: a socket is missing while no daemon runs, and in a sticky
    /// folder other users could create a file with its name. The folders above can be sticky: no other user can replace root's folders
    /// there.
    /// </summary>
    public static string? ClosedFolderProblem(string path) => Problem(path, FileKind.Directory, mayBeSticky: false);

    private static string? Problem(string path, FileKind wanted, bool mayBeSticky = true)
    {
        if (!Path.IsPathRooted(path))
            return "it must be an absolute path";
        if (path.Contains('\0', StringComparison.Ordinal))
            return "it must not contain NUL";
        try
        {
            return Walk(path, wanted, mayBeSticky);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SystemCallException)
        {
            return failure.Message;
        }
    }

    /// <summary>Follows the path as the kernel does, link by link: ".." also leads out of the target of a link.</summary>
    private static string? Walk(string path, FileKind wanted, bool mayBeSticky)
    {
        var visited = new Stack<string>(["/"]);
        var parts = new Stack<string>(Pieces(path));
        if (Wrong("/", isFolder: true) is { } wrongRoot)
            return wrongRoot;
        for (int links = 0; parts.TryPop(out string? part);)
        {
            if (part == ".")
                continue;
            if (part == "..")
            {
                if (visited.Count > 1)
                    visited.Pop();
                continue;
            }

            string next = Path.Combine(visited.Peek(), part);
            if (Libc.lstat(next) is not { } status)
                return "there is no such file";
            if (status.Kind == FileKind.SymbolicLink)
            {
                if (status.Owner != UserId.Root)
                    return NotRoots(next, status);
                if (++links > MaxLinks)
                    return "it has too many symbolic links";
                string target = new FileInfo(next).LinkTarget ?? throw new IOException($"the symbolic link {next} cannot be read");
                if (target.StartsWith('/'))
                    visited = new Stack<string>(["/"]);
                foreach (string piece in Pieces(target))
                    parts.Push(piece);
                continue;
            }

            if (Wrong(next, isFolder: status.Kind == FileKind.Directory) is { } wrong)
                return wrong;
            if (status.Kind != FileKind.Directory && parts.Count > 0)
                return "there is no such file";
            visited.Push(next);
        }

        FileStatus? end = Libc.lstat(visited.Peek());
        if (end?.Kind == wanted)
        {
            return mayBeSticky || (end.Value.Permissions & WritableByOthers) == 0
                ? null
                : $"{visited.Peek()} can be written by users other than root; use a folder that only root can write";
        }

        return wanted == FileKind.Regular ? $"it is not a regular file but a {end?.Kind}" : $"its folder is a {end?.Kind}";
    }

    private static string? Wrong(string path, bool isFolder)
    {
        if (Libc.lstat(path) is not { } status)
            return $"{path} vanished";
        if (status.Owner != UserId.Root)
            return isFolder ? NotRootsFolder(path, status) : NotRoots(path, status);
        if ((status.Permissions & WritableByOthers) != 0 && !(isFolder && (status.Permissions & Sticky) != 0))
            return $"{path} can be written by users other than root; remove that (chmod go-w)";
        return null;
    }

    private static string NotRoots(string path, FileStatus status) =>
        $"{path} belongs to uid {status.Owner}; it must belong to root (chown root)";

    /// <summary>
    /// Returns the problem of a folder that a user owns, usually a home: the folder must stay the user's, so the message says to use
    /// another place.
    /// </summary>
    private static string NotRootsFolder(string path, FileStatus status) =>
        $"{path} belongs to uid {status.Owner}, who can replace its content; "
        + "use a path where every folder belongs to root, for example below /etc or /usr/local";

    /// <summary>Returns the parts of a path, last first.</summary>
    private static IEnumerable<string> Pieces(string path) => Enumerable.Reverse(path.Split('/', StringSplitOptions.RemoveEmptyEntries));
}
