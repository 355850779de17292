using PipeForkAs.Cli.Commands;
using PipeForkAs.Cli.Terminal;

namespace PipeForkAs.Cli;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        StandardStreams.Secure();
        using Interruption interruption = new();
        await using Stream output = StandardStreams.OpenOutput();
        await using Stream error = StandardStreams.OpenError();

        Task<int> work = CommandLine.RunAsync(args, new StreamSet(StandardStreams.OpenInput, output, error), interruption.Token);

        // A signal does not wait for the work: it may be stuck in a write that nobody reads. Leaving closes the connection, and
        // that is what cancels the job.
        await Task.WhenAny(work, interruption.ExitStatus);
        return await (interruption.ExitStatus.IsCompleted ? interruption.ExitStatus : work);
    }
}
