using PipeForkAs.Cli.Terminal;

namespace PipeForkAs.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        EndingSignals.Handle();
        return CommandLine.Run(args, StandardStreams.Open());
    }
}
