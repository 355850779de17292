using System.Text.Json;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>
/// The process that starts the new daemon and ends at once. This makes the new daemon a child of the service manager, which then detects
/// how the new daemon ends and waits for it during a stop. The process inherits the descriptors for the new daemon.
/// </summary>
internal static class SuccessorLauncher
{
    /// <summary>The first argument of this process. The path and the arguments of the new daemon follow.</summary>
    public const string Argument = "--start-successor";

    /// <summary>
    /// Starts the new daemon, and sends the running daemon its process id or the reason why it cannot be started. Returns the exit code of
    /// this process.
    /// </summary>
    /// <param name="path">The executable of the new daemon.</param>
    /// <param name="arguments">The arguments of the new daemon, beginning with its name.</param>
    public static int Run(string path, string[] arguments)
    {
#pragma warning disable CA2000 // The process owns the descriptor, which stays open.
        FileDescriptor socket = new(Predecessor.SocketDescriptor), control = new(Predecessor.ControlDescriptor);
#pragma warning restore CA2000
        HandoverMessage word;
        try
        {
            Libc.set_cloexec(socket);
            Libc.set_cloexec(control);
            ProcessId pid = Libc.posix_spawn(
                path, arguments, Successor.Variables(), [(socket, Predecessor.SocketDescriptor), (control, Predecessor.ControlDescriptor)]);
            word = new HandoverMessage { Started = pid.Value };
        }
        catch (SystemCallException failure)
        {
            word = new HandoverMessage { Failed = failure.Message };
        }

        return Libc.send(control, JsonSerializer.SerializeToUtf8Bytes(word, HandoverJson.Default.HandoverMessage)).Failed ? 1 : 0;
    }
}
