using System.CommandLine;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>The commands of a job host that a person started: lists its jobs, describes one, or runs one in this process as the current
/// user.
/// </summary>
internal static class JobCommands
{
    /// <summary>Runs the command.</summary>
    /// <param name="args">The words after the program's name.</param>
    /// <param name="jobs">The registered jobs.</param>
    /// <returns>The exit code, 0 to 255: the job's exit code, or one of <see cref="ExitCode"/>.</returns>
    public static int Run(string[] args, JobCollection jobs)
    {
        // The linker delayed the finalizer thread so that the process can fork. This process does not fork.
        if (RuntimeThreads.IsNative)
            RuntimeThreads.AllowFinalizerThread();

        if (OwnName.IsMissing)
        {
            Terminal.Error(OwnName.Problem);
            return ExitCode.BadArguments;
        }

        // "@file" is an ordinary word; by default, System.CommandLine would replace it with the words in the file.
        ParseResult parsed = Root(jobs).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (string message in parsed.Errors.Select(error => error.Message).Distinct())
                Terminal.Error(message);
            return ExitCode.BadArguments;
        }

        // The job handles its exceptions and SIGTERM.
        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    private static RootCommand Root(JobCollection jobs)
    {
        var root = new RootCommand(
            "A job host of PipeForkAs. The daemon starts it to run jobs as users. By hand, it runs a job as yourself.")
        {
            new ListCommand(jobs),
            new DescribeCommand(jobs),
            new RunCommand(jobs),
        };
        root.SetAction(_ => ListCommand.List(jobs));
        return root;
    }
}
