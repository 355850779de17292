using PipeForkAs.Cli.Exchanges;
using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.Client.Exchanges;
using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Commands;

/// <summary>Connects the standard streams to the daemon's socket, and does nothing else. Needs one thread. The host of the environment does
/// not matter: this is the command on that host.
/// </summary>
internal static class Dial
{
    /// <summary>Runs until the daemon closes the connection, or until nothing is at the other end of standard output.</summary>
    /// <param name="options">What the command line says.</param>
    /// <param name="streams">The command's streams.</param>
    /// <param name="report">Writes the command's own messages.</param>
    /// <returns>The exit status: 0, or one of <see cref="DialStatus"/>.</returns>
    public static int Execute(DialOptions options, StreamSet streams, Report report)
    {
        try
        {
            using FileDescriptor socket =
                DaemonConnection.Open(DaemonAddress.ChooseSocketPath(options.Socket), options.DaemonUid);
            Relay.Run(socket, new JobInput(streams.Input), streams.Output);
            return ExitStatus.Success;
        }
        catch (ConnectionException failure)
        {
            report.Line(failure.Message);
            return DialStatus.Unreachable;
        }
        catch (UntrustedDaemonException failure)
        {
            report.Line(failure.Message);
            return DialStatus.Untrusted;
        }
    }
}
