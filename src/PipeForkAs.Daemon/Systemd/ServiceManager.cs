using System.Globalization;
using System.Text;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>What the service manager passed to the daemon at its start; all of it is in the environment.</summary>
internal sealed class ServiceManager
{
    /// <summary>The first descriptor that a service manager passes; sd_listen_fds(3).</summary>
    private const int FirstDescriptor = 3;

    private static readonly string[] ListenVariables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

    private ServiceManager(string? notifyAddress, TimeSpan? watchdog, FileDescriptor? socket)
    {
        NotifyAddress = notifyAddress;
        Watchdog = watchdog;
        Socket = socket;
    }

    /// <summary>The address for notifications: a path, or an abstract name after '@'. Null for none.</summary>
    public string? NotifyAddress { get; }

    /// <summary>
    /// How long the daemon can be silent before the service manager treats it as hung; null for no limit. sd_watchdog_enabled(3).
    /// </summary>
    public TimeSpan? Watchdog { get; }

    /// <summary>The listening socket that the service manager passed, close-on-exec and nonblocking; null for none.</summary>
    public FileDescriptor? Socket { get; }

    /// <summary>
    /// Reads the environment, and removes the variables that are for this process alone: a child must not take the socket for its own.
    /// </summary>
    /// <exception cref="ListenException">
    /// The service manager passed something other than one listening Unix stream socket, or the address is too long.
    /// </exception>
    /// <param name="taken">The listening socket of a former daemon, from which this one takes over; null for none.</param>
    public static ServiceManager FromEnvironment(FileDescriptor? taken)
    {
        ServiceManager manager = From(Environment.GetEnvironmentVariable, Libc.getpid(), taken);
        foreach (string variable in ListenVariables)
            Environment.SetEnvironmentVariable(variable, null);
        return manager;
    }

    /// <summary>Like <see cref="FromEnvironment"/>, with the variables of the calling method.</summary>
    /// <exception cref="ListenException">
    /// The service manager passed something other than one listening Unix stream socket, or the address is too long.
    /// </exception>
    public static ServiceManager From(Func<string, string?> variable, ProcessId self, FileDescriptor? taken = null)
    {
        string? address = variable("NOTIFY_SOCKET");
        if (address is not null && Encoding.UTF8.GetByteCount(address) > Libc.MaxSocketPath)
            throw new ListenException($"NOTIFY_SOCKET is longer than the {Libc.MaxSocketPath} bytes of a socket's path: {address}");
        return new ServiceManager(
            string.IsNullOrEmpty(address) ? null : address,
            Interval(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), self),
            taken ?? Handed(variable("LISTEN_FDS"), variable("LISTEN_PID"), variable("LISTEN_FDNAMES"), self));
    }

    private static TimeSpan? Interval(string? microseconds, string? pid, ProcessId self)
    {
        // Without WATCHDOG_PID the watchdog applies to every process that has the variable.
        if (!string.IsNullOrEmpty(pid) && !IsSelf(pid, self))
            return null;
        return long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            && value is > 0 and <= long.MaxValue / 10
            ? new TimeSpan(value * 10)
            : null;
    }

    private static FileDescriptor? Handed(string? count, string? pid, string? names, ProcessId self)
    {
        // The variables are for another process and were inherited: the descriptors are not there.
        if (string.IsNullOrEmpty(count) || !IsSelf(pid, self))
            return null;
        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            throw new ListenException($"LISTEN_FDS is \"{count}\", which is not a number");
        if (number == 0)
            return null;
        if (number > 1)
            throw new ListenException(
                $"systemd passed {number} sockets "
                + $"({names ?? "without names"}); remove all but one, because the daemon serves only one");

        var socket = new FileDescriptor(FirstDescriptor);
        try
        {
            Demand(socket, string.IsNullOrEmpty(names) ? "it" : $"\"{names}\"");
            Libc.set_cloexec(socket);
            Libc.set_nonblocking(socket);
            return socket;
        }
        catch (SystemCallException failure)
        {
            throw new ListenException($"systemd passed a socket that cannot be used: {failure.Message}", failure);
        }
    }

    private static void Demand(FileDescriptor socket, string name)
    {
        if (Libc.getsockopt_domain(socket) != SocketDomain.AF_UNIX || Libc.getsockopt_type(socket) != SocketType.SOCK_STREAM)
            throw new ListenException(
                $"systemd passed {name}, which is not a Unix stream socket; see ListenStream= in systemd.socket(5)");
        if (!Libc.getsockopt_acceptconn(socket))
            throw new ListenException(
                $"systemd passed {name}, which does not listen; set Accept=no in the socket unit");
    }

    private static bool IsSelf(string? pid, ProcessId self) =>
        int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number == self.Value;
}
