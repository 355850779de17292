using System.CommandLine;
using System.Globalization;

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
    /// <returns>The exit status, 0 to 255: see <see cref="ExitStatus"/>.</returns>
    public static int Run(string[] args, StreamSet streams)
    {
        Report report = new(streams.Error);
        try
        {
            if (OwnName.IsMissing)
            {
                report.Line(OwnName.Problem);
                return ExitStatus.Trouble;
            }

            if (UsualDial.Parse(args) is { } dial)
                return Dial.Execute(dial, streams, report);
            return UsualLine.Parse(args) is { } run ? JobRun.Execute(run, streams, report) : Invoke(args, streams, report);
        }
        catch (Exception failure) when (Failure.Explains(failure))
        {
            return Failure.Report(failure, report);
        }
    }

    private static int Invoke(string[] args, StreamSet streams, Report report)
    {
        ParseResult parsed = Parse(Root(streams, report), args);
        if (parsed.Errors.Count > 0)
        {
            foreach (string message in parsed.Errors.Select(error => error.Message).Distinct())
                report.Line(message);
            return ExitStatus.Trouble;
        }

        RawArguments.Check(args);
        using StringWriter help = new(CultureInfo.InvariantCulture);
        InvocationConfiguration configuration = new()
        {
            Output = help,
            EnableDefaultExceptionHandler = false,

            // The process handles signals: see EndingSignals.
            ProcessTerminationTimeout = null,
        };

        // No action waits: see SingleThreadExchanger.
        int status = parsed.InvokeAsync(configuration).GetAwaiter().GetResult();
        streams.Write(help.ToString());
        return status;
    }

    /// <summary>Reads a line. "@file" is an ordinary word; by default, System.CommandLine would replace it with the words in the file.
    /// </summary>
    internal static ParseResult Parse(RootCommand root, string[] args) =>
        root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });

    /// <summary>Defines all commands and options.</summary>
    internal static RootCommand Root(StreamSet streams, Report report)
    {
        DaemonUidOption daemonUid = new();
        HostOption host = new();
        SocketOption socket = new(daemonUid, host);
        return new RootCommand("Runs a registered job as a user, through the PipeForkAs daemon.")
        {
            host,
            socket,
            daemonUid,
            new RunCommand(socket, streams, report),
            new ListCommand(socket, streams, report),
            new DescribeCommand(socket, streams),
            new CheckCommand(socket, streams),
            new StatusCommand(socket, streams),
            new CancelCommand(socket),
            new SignInCommand(socket, streams),
            new SignOutCommand(socket),
            new DialCommand(socket, streams, report),
        };
    }
}
