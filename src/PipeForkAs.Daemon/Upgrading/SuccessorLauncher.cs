using System.Text.Json;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>
/// The process that starts the new daemon and ends at once, so that the new daemon is a child of the service manager's, which then sees
/// how it ends, and waits for it at a stop. It inherits the descriptors for the new daemon.
/// </summary>
internal static class SuccessorLauncher
{
    /// <summary>
    /// The argument by which the daemon's executable is told to be this process; the new one's path and arguments follow.
    /// </summary>
    public const string Argument = "--start-successor";

    /// <summary>
    /// Starts the program, and tells the running daemon its number, or why it cannot be started. Returns the process's exit code.
    /// </summary>
    /// <param name="path">The new daemon's executable.</param>
    /// <param name="arguments">Its arguments, its own name first.</param>
    public static int Run(string path, string[] arguments)
    {
#pragma warning disable CA2000 // The descriptor is the process's own, and stays open.
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
