using PipeForkAs.Jobs;

namespace PipeForkAs.TestJobs;

/// <param name="Seed">The same seed gives the same mix.</param>
/// <param name="Steps">The number of actions.</param>
internal sealed record MixArguments(int Seed, int Steps = 4);

/// <summary>Actions of real jobs in random order: the load of the test with many workers.</summary>
internal static class Mix
{
    public static async Task<int> RunAsync(MixArguments arguments, JobContext context)
    {
        var random = new Random(arguments.Seed);
        var silent = new JobContext(context.User, default, Stream.Null, Stream.Null, Stream.Null);
        for (int i = 0; i < arguments.Steps; i++)
            await StepAsync(random.Next(8), random, silent);
        context.Line("ok");
        return 0;
    }

    private static Task StepAsync(int which, Random random, JobContext silent) => which switch
    {
        0 => Done(RuntimeLoad.Allocate(new(random.Next(1, 9)))),
        1 => Done(RuntimeLoad.Threads(new(random.Next(1, 9)))),
        2 => RuntimeLoad.TasksAsync(new(random.Next(1, 33)), silent),
        3 => RuntimeLoad.TimersAsync(new(random.Next(1, 9)), silent),
        4 => Done(RuntimeLoad.Finalizers()),
        5 => Done(RuntimeLoad.Process()),
        6 => RuntimeLoad.AsyncFilesAsync(silent),
        _ => Done(RuntimeLoad.Exceptions(new(random.Next(1, 65)))),
    };

    private static Task<string> Done(string text) => Task.FromResult(text);
}
