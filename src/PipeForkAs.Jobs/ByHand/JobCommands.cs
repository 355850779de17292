using System.CommandLine;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>A job host that a person started: lists its jobs, describes one, or runs one in this process, as whoever runs it.</summary>
internal static class JobCommands
{
    /// <summary>Runs the command.</summary>
    /// <param name="args">The words behind the program's name.</param>
    /// <param name="jobs">The registered jobs.</param>
    /// <returns>The exit code, 0 to 255: a job's own, or one of <see cref="ExitCode"/>.</returns>
    public static int Run(string[] args, JobCollection jobs)
    {
        // The linker held it back for the sake of a fork, which does not come.
        if (RuntimeThreads.IsNative)
            RuntimeThreads.AllowFinalizerThread();

        if (OwnName.IsMissing)
        {
            Terminal.Error(OwnName.Problem);
            return ExitCode.BadArguments;
        }

        // "@file" is a word like any other: System.CommandLine would put the file's words in its place.
        ParseResult parsed = Root(jobs).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (string message in parsed.Errors.Select(error => error.Message).Distinct())
                Terminal.Error(message);
            return ExitCode.BadArguments;
        }

        // Exceptions and SIGTERM are the job's.
        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    private static RootCommand Root(JobCollection jobs)
    {
        var root = new RootCommand(
            "A job host of PipeForkAs. The daemon starts it to run its jobs as users; by hand, it runs one as yourself.")
        {
            new ListCommand(jobs),
            new DescribeCommand(jobs),
            new RunCommand(jobs),
        };
        root.SetAction(_ => ListCommand.List(jobs));
        return root;
    }
}
