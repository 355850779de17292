using System.CommandLine;
using System.Text;

using PipeForkAs.Cli.Commands;
using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.Protocol;

namespace PipeForkAs.Cli;

/// <summary>Runs the command from its arguments to its exit status, without the state of the process.</summary>
internal static class CommandLine
{
    /// <summary>Runs the command.</summary>
    /// <param name="args">The words after the program's name.</param>
    /// <param name="streams">The command's three streams.</param>
    /// <param name="cancellation">Closes the connection.</param>
    /// <returns>The exit status, 0 to 255: see <see cref="ExitStatus"/>.</returns>
    public static async Task<int> RunAsync(string[] args, StreamSet streams, CancellationToken cancellation)
    {
        await using LineTrackingStream error = new(streams.Error);
        StreamSet tracked = streams with { Error = error };
        Report report = new(error);
        try
        {
            return await InvokeAsync(args, tracked, report, cancellation);
        }
        catch (Exception failure) when (Failure.Explains(failure))
        {
            return Failure.Report(failure, report);
        }
    }

    private static async Task<int> InvokeAsync(string[] args, StreamSet streams, Report report, CancellationToken cancellation)
    {
        if (OwnName.IsMissing)
        {
            report.Line(OwnName.Problem);
            return ExitStatus.Trouble;
        }

        // "@file" is an ordinary word; by default, System.CommandLine would replace it with the words in the file.
        ParseResult parsed = Root(streams, report).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (string message in parsed.Errors.Select(error => error.Message).Distinct())
                report.Line(message);
            return ExitStatus.Trouble;
        }

        RawArguments.Check(args);
        await using StreamWriter help = new(streams.Output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        InvocationConfiguration configuration = new()
        {
            Output = help,
            EnableDefaultExceptionHandler = false,

            // The process handles signals: see Interruption.
            ProcessTerminationTimeout = null,
        };
        return await parsed.InvokeAsync(configuration, cancellation);
    }

    /// <summary>Defines all commands and options.</summary>
    internal static RootCommand Root(StreamSet streams, Report report)
    {
        DaemonUidOption daemonUid = new();
        SocketOption socket = new(daemonUid);
        return new RootCommand("Runs a registered job as a user, through the PipeForkAs daemon.")
        {
            socket,
            daemonUid,
            new RunCommand(socket, streams, report),
            new ListCommand(socket, streams, report),
            new DescribeCommand(socket, streams),
            new CheckCommand(socket, streams),
            new StatusCommand(socket, streams),
            new CancelCommand(socket),
        };
    }
}
