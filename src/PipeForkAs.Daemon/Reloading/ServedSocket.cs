using System.Globalization;
using System.Text;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Reloading;

/// <summary>Finds the socket of a daemon that is running, whatever its configuration says by now.</summary>
internal static class ServedSocket
{
    /// <summary>What systemd tells the process id of the daemon by, to the commands of ExecReload=; systemd.exec(5).</summary>
    public const string ProcessVariable = "MAINPID";

    /// <summary>
    /// The path at which a process listens, as the kernel tells it of that process's own socket: /proc/net/unix holds names that others
    /// chose, line ends and all. The file may be another one's by now: who connects must ask the kernel who listens there.
    /// </summary>
    /// <returns>Null where it listens on no Unix socket, or is gone.</returns>
    /// <exception cref="SystemCallException">The process cannot be looked at; pidfd_getfd(2).</exception>
    /// <exception cref="UnauthorizedAccessException">It is another user's.</exception>
    public static string? Of(ProcessId process)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Value}/fd");
        try
        {
            using FileDescriptor pidfd = Libc.pidfd_open(process);
            List<byte[]> numbers = Libc.names_in(Encoding.ASCII.GetBytes(folder), out Errno error) ?? [];
            if (error == Errno.EACCES)
                throw new UnauthorizedAccessException($"{folder} cannot be read: {error}; only root may reload");
            return numbers.ConvertAll(Encoding.ASCII.GetString)
                .Where(number => Libc.readlink($"{folder}/{number}")?.StartsWith("socket:[", StringComparison.Ordinal) == true)
                .Select(number => PathOf(pidfd, int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture)))
                .FirstOrDefault(static path => path is not null);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ESRCH)
        {
            return null;
        }
    }

    /// <summary>The path that the configuration names, as far as it can be read; else the default one.</summary>
    /// <param name="chosen">The file that <c>--config</c> names; null for the usual ones.</param>
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
                // What is wrong with the file is for the daemon to tell, in its answer.
            }
        }

        return path;
    }

    private static bool IsPath(string key) => key.Equals("Socket:Path", StringComparison.OrdinalIgnoreCase);

    /// <summary>The path of a listening socket; null for all others.</summary>
    private static string? PathOf(FileDescriptor pidfd, int number)
    {
        using FileDescriptor? socket = Libc.pidfd_getfd(pidfd, number);
        return socket is not null && Libc.getsockopt_domain(socket) == SocketDomain.AF_UNIX && Libc.getsockopt_acceptconn(socket)
            ? Libc.getsockname_unix(socket)
            : null;
    }
}
