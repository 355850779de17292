namespace PipeForkAs.Jobs.ByHand;

internal static class JobCommands
{
    public static int Run(string[] args, JobCollection jobs) => throw new InvalidOperationException($"{args.Length} {jobs.Jobs.Count}");
}
