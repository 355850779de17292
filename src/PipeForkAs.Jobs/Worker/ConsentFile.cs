using System.Text;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>The file with which a user allows callers to run jobs as that user: <c>~/.config/pipeforkas/allow</c>. A line contains a caller
/// (a user name, a uid in digits, <c>@</c> and a group's name or gid, or <c>*</c>). If the line is not for all jobs, the name of a job, or
/// a prefix and <c>*</c>, follows. <c>#</c> begins a comment. Any error in the file denies all requests.
/// </summary>
internal static class ConsentFile
{
    /// <summary>The longest file in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    private const uint WritableByOthers = 0x12; // 022
    private static readonly string[] Folders = [".config", "pipeforkas"];
    private const string Name = "allow";

    /// <summary>Reads the file as the user that this process has become, and decides.</summary>
    /// <param name="account">The user.</param>
    /// <param name="job">The job's name.</param>
    /// <param name="callers">The names and ids that match the caller.</param>
    public static ConsentAnswer Ask(Account account, string job, IReadOnlyList<string> callers)
    {
        try
        {
            return Problem(account, out byte[] content) is { } problem ? new ConsentAnswer(false, problem) : Decide(content, job, callers);
        }
        catch (SystemCallException failure)
        {
            return new ConsentAnswer(false, failure.Message);
        }
    }

    /// <summary>Decides from the file's content.</summary>
    public static ConsentAnswer Decide(ReadOnlySpan<byte> content, string job, IReadOnlyList<string> callers)
    {
        // A caller can have thousands of names, and the file can have thousands of lines.
        var names = new HashSet<string>(callers.Count, StringComparer.Ordinal);
        for (int i = 0; i < callers.Count; i++)
            names.Add(Key(Encoding.UTF8.GetBytes(callers[i])));
        int number = 0, given = 0;
        while (!content.IsEmpty)
        {
            number++;
            int end = content.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? content : content[..end];
            content = end < 0 ? [] : content[(end + 1)..];
            if (line.IndexOf((byte)'#') is >= 0 and var comment)
                line = line[..comment];
            foreach (byte letter in line)
            {
                if (letter is 0x7F or (< 0x20 and not (byte)'\t'))
                    return new ConsentAnswer(false, $"line {number} of the file contains a control character");
            }

            ReadOnlySpan<byte> caller = Word(ref line);
            string pattern = Encoding.UTF8.GetString(Word(ref line));
            if (caller.IsEmpty)
                continue;
            if (!Word(ref line).IsEmpty || !(pattern.Length == 0 || JobPattern.IsValid(pattern)))
                return new ConsentAnswer(false, $"line {number} of the file is not a caller, or a caller and a job");
            if (given == 0 && (caller is [(byte)'*'] || names.Contains(Key(caller)))
                && (pattern.Length == 0 || JobPattern.Matches(pattern, job)))
            {
                given = number;
            }
        }

        return given > 0
            ? new ConsentAnswer(true, $"line {given} of the user's file")
            : new ConsentAnswer(false, "no line of the user's file names this caller and this job");
    }

    /// <summary>Reads the file. Opens each directory of the path in turn, so that no link is followed, and does not wait on a special file.
    /// Returns null if the file is valid.
    /// </summary>
    private static string? Problem(Account account, out byte[] content)
    {
        content = [];
        if (account.Home is not ['/', ..])
            return "the user has no home";
        string path = account.Home;
        FileDescriptor place = Libc.open(path, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        try
        {
            foreach (string name in Folders)
            {
                if (FolderProblem(place, path, account) is { } problem)
                    return problem;
                path = $"{path}/{name}";
                FileDescriptor next = Libc.openat(place, name, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW);
                place.Dispose();
                place = next;
            }

            if (FolderProblem(place, path, account) is { } last)
                return last;
            using FileDescriptor file = Libc.openat(place, Name, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK);
            return FileProblem(file, $"{path}/{Name}", account) ?? Read(file, $"{path}/{Name}", out content);
        }
        finally
        {
            place.Dispose();
        }
    }

    private static string? FolderProblem(FileDescriptor place, string path, Account account)
    {
        FileStatus folder = Libc.fstat(place);
        return folder.Owner.Value != account.Uid && folder.Owner != UserId.Root
            ? $"{path} belongs to uid {folder.Owner}"
            : WritableProblem(folder, path);
    }

    private static string? FileProblem(FileDescriptor file, string path, Account account)
    {
        FileStatus status = Libc.fstat(file);
        if (status.Kind != FileKind.Regular)
            return $"{path} is not a regular file but a {status.Kind}";
        return status.Owner.Value != account.Uid ? $"{path} belongs to uid {status.Owner}" : WritableProblem(status, path);
    }

    private static string? WritableProblem(in FileStatus status, string path) =>
        (status.Permissions & WritableByOthers) != 0 ? $"{path} can be written by other users; remove that (chmod go-w)" : null;

    /// <summary>Reads the whole file. The number of bytes read counts, not the size that the file reported.</summary>
    private static string? Read(FileDescriptor file, string path, out byte[] content)
    {
        content = [];
        var buffer = new byte[MaxBytes + 1];
        int length = 0;
        while (length < buffer.Length)
        {
            int count = Libc.read(file, buffer.AsSpan(length)).OrThrow("read(allow)");
            if (count == 0)
                break;
            length += count;
        }

        if (length > MaxBytes)
            return $"{path} has more than {MaxBytes} bytes";
        content = buffer[..length];
        return null;
    }

    /// <summary>Takes the next word; empty if there is none.</summary>
    private static ReadOnlySpan<byte> Word(ref ReadOnlySpan<byte> line)
    {
        line = line.TrimStart(" \t"u8);
        int end = line.IndexOfAny((byte)' ', (byte)'\t');
        ReadOnlySpan<byte> word = end < 0 ? line : line[..end];
        line = line[word.Length..];
        return word;
    }

    /// <summary>Converts bytes to text, one character for each byte: an invalid UTF-8 sequence then equals only itself.</summary>
    private static string Key(ReadOnlySpan<byte> name) => Encoding.Latin1.GetString(name);
}
