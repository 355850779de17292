using System.Globalization;
using System.Text;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Reloading;

/// <summary>Finds the socket of a running daemon, even if its configuration has changed.</summary>
internal static class ServedSocket
{
    /// <summary>
    /// The variable in which systemd passes the process id of the daemon to the commands of ExecReload=; see systemd.exec(5).
    /// </summary>
    public const string ProcessVariable = "MAINPID";

    /// <summary>
    /// Returns the path at which a process listens. Reads it from the kernel, from the socket of that process: /proc/net/unix contains
    /// names that other processes chose, even with line breaks. The file at the path may belong to another process by now, so a caller that
    /// connects must check with the kernel who listens there.
    /// </summary>
    /// <returns>The path; null if the process listens on no Unix socket or is gone.</returns>
    /// <exception cref="SystemCallException">The process cannot be inspected; see pidfd_getfd(2).</exception>
    /// <exception cref="UnauthorizedAccessException">The process belongs to another user.</exception>
    public static string? Of(ProcessId process)
    {
        try
        {
            using FileDescriptor pidfd = Libc.pidfd_open(process);
            return Sockets(process).Select(socket => PathOf(pidfd, socket.Number)).FirstOrDefault(static path => path is not null);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ESRCH)
        {
            return null;
        }
    }

    /// <summary>
    /// Returns the path at which a process listens, where the kernel does not permit <see cref="Of"/>: from the kernel's table of sockets,
    /// if no other process forged a row for a socket of that process. A caller that connects must check who listens there.
    /// </summary>
    /// <returns>The path; null if it is unknown.</returns>
    /// <exception cref="UnauthorizedAccessException">The process belongs to another user.</exception>
    public static string? OfTable(ProcessId process) =>
        SocketTable.ListeningPath(process, [.. Sockets(process).Select(static socket => socket.Inode)]);

    /// <summary>Returns the path from the configuration, as far as it can be read; otherwise the default path.</summary>
    /// <param name="chosen">The file from <c>--config</c>; null for the default files.</param>
    public static string OfConfiguration(string? chosen)
    {
        string path = ClientProtocol.DefaultSocketPath;
        foreach (string file in ConfigurationFiles.Find(chosen))
        {
            try
            {
                path = ConfigurationFile.Read(file).Values.FirstOrDefault(static entry => IsPath(entry.Key)).Value ?? path;
            }
            catch (ConfigurationException)
            {
                // The daemon reports the problems of the file in its reply.
            }
        }

        return path;
    }

    /// <summary>Returns the sockets of a process.</summary>
    private static IEnumerable<(int Number, string Inode)> Sockets(ProcessId process)
    {
        const string Beginning = "socket:[";
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Value}/fd");
        List<byte[]> numbers = Libc.names_in(Encoding.ASCII.GetBytes(folder), out Errno error) ?? [];
        if (error == Errno.EACCES)
            throw new UnauthorizedAccessException($"{folder} cannot be read: {error}; only root may reload");
        foreach (string number in numbers.ConvertAll(Encoding.ASCII.GetString))
        {
            if (Libc.readlink($"{folder}/{number}") is { } link && link.StartsWith(Beginning, StringComparison.Ordinal))
                yield return (int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture), link[Beginning.Length..^1]);
        }
    }

    private static bool IsPath(string key) => key.Equals("Socket:Path", StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns the path of a listening socket; null for all other descriptors.</summary>
    private static string? PathOf(FileDescriptor pidfd, int number)
    {
        using FileDescriptor? socket = Libc.pidfd_getfd(pidfd, number);
        return socket is not null && Libc.getsockopt_domain(socket) == SocketDomain.AF_UNIX && Libc.getsockopt_acceptconn(socket)
            ? Libc.getsockname_unix(socket)
            : null;
    }
}
