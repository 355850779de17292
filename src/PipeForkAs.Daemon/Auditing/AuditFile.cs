using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>The audit file, one line for each record. Only root writes the file, and only root and the file's group read it.</summary>
internal sealed class AuditFile : IDisposable
{
    private const uint OwnMode = 0x180; // 0600
    private const uint AllowedMode = 0x1A0; // 0640
    private readonly FileDescriptor file;

    /// <summary>Whether only a part of the last line was written.</summary>
    private bool torn;

    private AuditFile(FileDescriptor file) => this.file = file;

    /// <summary>Returns the problem of a path, or null; creates nothing.</summary>
    public static string? Problem(string path)
    {
        if (!Path.IsPathRooted(path) || path.EndsWith('/'))
            return "must be the absolute path of a file";
        if (path.Contains('\0', StringComparison.Ordinal))
            return "must not contain NUL";
        string folder = Path.GetDirectoryName(path)!;
        if (!Path.Exists(folder))
            return $"{path}: the folder {folder} does not exist; create it (install -d -m 750 {folder})";
        if (TrustedFile.FolderProblem(folder) is { } problem)
            return TrustedFile.Line(path, problem);
        try
        {
            return Libc.lstat(path) is { } status ? ProblemOf(path, status) : null;
        }
        catch (SystemCallException failure)
        {
            return failure.Message;
        }
    }

    /// <summary>Opens the file, or creates it if it does not exist.</summary>
    /// <exception cref="ConfigurationException">The file cannot be opened, or cannot be trusted.</exception>
    public static AuditFile Open(string path)
    {
        if (Problem(path) is { } problem)
            throw new ConfigurationException("Audit:File", problem);
        try
        {
            // If a named pipe is at the path, the daemon must not wait for a reader.
            FileDescriptor file = Libc.open(
                path, OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK, OwnMode);
            if (ProblemOf(path, Libc.fstat(file)) is not { } wrong)
                return new AuditFile(file);
            file.Dispose();
            throw new ConfigurationException("Audit:File", wrong);
        }
        catch (SystemCallException failure)
        {
            throw new ConfigurationException("Audit:File", $"cannot be opened: {failure.Message}");
        }
    }

    /// <summary>
    /// Writes a line at the end, in one call if the disk has room. First ends a line that was written only in part, so that it does not
    /// damage the new one.
    /// </summary>
    /// <param name="line">The record with its <c>\n</c>.</param>
    public Errno Append(ReadOnlySpan<byte> line)
    {
        if (torn)
        {
            IOResult ended = Libc.write(file, "\n"u8);
            if (ended.Failed)
                return ended.Errno;
            torn = false;
        }

        int written = 0;
        while (written < line.Length)
        {
            IOResult result = Libc.write(file, line[written..]);
            if (result.Failed)
            {
                torn = written > 0;
                return result.Errno;
            }

            written += (int)result.Count;
        }

        return Errno.None;
    }

    public void Dispose() => file.Dispose();

    private static string? ProblemOf(string path, FileStatus status) => status switch
    {
        { Kind: not FileKind.Regular } => $"{path} is not a regular file but a {status.Kind}",
        { Owner: var owner } when owner != UserId.Root => $"{path} belongs to uid {owner}; it must belong to root (chown root)",
        { Links: not 1 } => $"{path} has {status.Links} hard links; it must have one",
        { Permissions: var mode } when (mode & ~AllowedMode) != 0 => $"{path} is accessible to other users; remove that (chmod 0640)",
        _ => null,
    };
}
