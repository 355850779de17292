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

        // A signal does not wait for the work, which may be blocked in a write that nothing reads. The exit closes the connection, and that
        // cancels the job.
        await Task.WhenAny(work, interruption.ExitStatus);
        return await (interruption.ExitStatus.IsCompleted ? interruption.ExitStatus : work);
    }
}
