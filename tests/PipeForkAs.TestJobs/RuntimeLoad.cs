using System.Diagnostics;
using PipeForkAs.Jobs;
using ChildProcess = System.Diagnostics.Process;

namespace PipeForkAs.TestJobs;

internal sealed record AllocateArguments(int Megabytes);

internal sealed record Count(int Number = 8);

/// <summary>
/// Jobs that need what a careless fork would break: collections, threads, the pool, timers, finalizers, processes, files.
/// </summary>
internal static class RuntimeLoad
{
    private const string Ok = "ok\n";

    public static string Allocate(AllocateArguments arguments)
    {
        var kept = new List<byte[]>();
        for (int i = 0; i < arguments.Megabytes; i++)
        {
            kept.Add(new byte[1024 * 1024]);
            kept[^1].AsSpan().Fill((byte)i);
            Garbage(64);
        }

        GC.Collect();
        bool whole = kept.Select((block, i) => block.AsSpan().ContainsAnyExcept((byte)i)).All(foreign => !foreign);
        kept.Clear();
        GC.Collect();
        return whole ? Ok : throw new InvalidOperationException("memory changed under a collection");
    }

    public static string Threads(Count count)
    {
        var threads = new Thread[count.Number];
        long sum = 0;
        for (int i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(() => Interlocked.Add(ref sum, Garbage(200)));
            threads[i].Start();
        }

        GC.Collect();
        foreach (Thread thread in threads)
            thread.Join();
        GC.Collect();
        return Expect(sum, 200L * threads.Length);
    }

    public static async Task<int> TasksAsync(Count count, JobContext context)
    {
        int[] sums = await Task.WhenAll(Enumerable.Range(0, count.Number).Select(_ => Task.Run(async () =>
        {
            await Task.Yield();
            return Garbage(100);
        })));
        GC.Collect();
        context.Output.Write(System.Text.Encoding.ASCII.GetBytes(Expect(sums.Sum(), 100L * count.Number)));
        return 0;
    }

    public static async Task<int> TimersAsync(Count count, JobContext context)
    {
        await Task.WhenAll(Enumerable.Range(1, count.Number).Select(i => Task.Delay(i)));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        await timer.WaitForNextTickAsync();
        context.Line("ok");
        return 0;
    }

    public static string Finalizers()
    {
        Finalized.Make(100);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Finalized.Count >= 99 ? Ok : throw new InvalidOperationException($"{Finalized.Count} of 100 finalizers ran");
    }

    public static string FinalizersUnawaited()
    {
        Finalized.Make(100);
        GC.Collect();
        return SpinWait.SpinUntil(() => Finalized.Count >= 99, TimeSpan.FromSeconds(30))
            ? Ok
            : throw new InvalidOperationException($"{Finalized.Count} of 100 finalizers ran");
    }

    /// <summary>The number of threads after the first spinning wait, at which the runtime would measure the length of a pause.</summary>
    public static string ThreadsAfterSpinning()
    {
        Thread.SpinWait(1);
        return $"{Directory.GetDirectories("/proc/self/task").Length}\n";
    }

    public static string Process()
    {
        var start = new ProcessStartInfo("/bin/echo", ["from a process"]) { RedirectStandardOutput = true };
        using ChildProcess child = ChildProcess.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return child.ExitCode == 0 ? output : throw new InvalidOperationException($"echo exited with {child.ExitCode}");
    }

    public static async Task<int> AsyncFilesAsync(JobContext context)
    {
        string path = Path.Combine("/tmp", $"pipeforkas-{Guid.NewGuid():n}");
        try
        {
            string text = new('x', 100_000);
            await File.WriteAllTextAsync(path, text);
            string read = await File.ReadAllTextAsync(path);
            context.Output.Write(System.Text.Encoding.ASCII.GetBytes(Expect(read.Length, text.Length)));
            return 0;
        }
        finally
        {
            File.Delete(path);
        }
    }

    public static string Exceptions(Count count)
    {
        int caught = 0;
        for (int i = 0; i < count.Number; i++)
        {
            try
            {
                try
                {
                    throw new InvalidOperationException($"number {i}");
                }
                finally
                {
                    Garbage(10);
                }
            }
            catch (InvalidOperationException failure) when (failure.Message.EndsWith($" {i}", StringComparison.Ordinal))
            {
                caught++;
            }
        }

        return Expect(caught, count.Number);
    }

    private static string Expect(long value, long expected) =>
        value == expected ? Ok : throw new InvalidOperationException($"{value} instead of {expected}");

    private static int Garbage(int pieces)
    {
        int made = 0;
        for (int i = 0; i < pieces; i++)
            made += new byte[8192 + i].Length > 0 ? 1 : 0;
        return made;
    }

    private sealed class Finalized
    {
        private static int count;

        ~Finalized() => Interlocked.Increment(ref count);

        public static int Count => count;

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        public static void Make(int number)
        {
            for (int i = 0; i < number; i++)
                GC.KeepAlive(new Finalized());
        }
    }
}
