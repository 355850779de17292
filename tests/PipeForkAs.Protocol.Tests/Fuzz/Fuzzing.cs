using System.Globalization;

namespace PipeForkAs.Protocol.Tests.Fuzz;

/// <summary>Runs without other tests, because their memory would count.</summary>
[CollectionDefinition(nameof(Fuzzing), DisableParallelization = true)]
public sealed class FuzzingAlone;

/// <summary>The result of a run.</summary>
/// <param name="Seed">The seed that repeats the run (PIPEFORKAS_SEED).</param>
/// <param name="Rounds">How many inputs.</param>
/// <param name="Taken">How many were accepted; the rest was refused in the documented way.</param>
/// <param name="LargestExcess">The most bytes that one input allocated in addition to <see cref="Fuzzing.BytesForEach"/> for each of its
/// bytes.</param>
/// <param name="Growth">Growth of the heap in bytes.</param>
internal sealed record FuzzResult(int Seed, int Rounds, int Taken, long LargestExcess, long Growth);

/// <summary>
/// Passes inputs to a parser until something is wrong: an undocumented exception, an input that takes longer than <see cref="Patience"/>,
/// or more memory than allowed for its length. Reports the seed, the round and the input.
/// </summary>
internal static class Fuzzing
{
    /// <summary>Bytes of memory that a byte of input may cost; <see cref="BytesForAll"/> is added.</summary>
    public const int BytesForEach = 64;

    /// <summary>Bytes of memory allowed for an input of any length: the exception of a refusal, its text, and a table or two.</summary>
    public const int BytesForAll = 32 * 1024;

    /// <summary>The allowed difference of the heap between two collections, in bytes.</summary>
    private const long Flat = 8 * 1024 * 1024;

    /// <summary>The seconds after which one input counts as hanging, on a busy machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The number for each test run; a million with PIPEFORKAS_SOAK=1.</summary>
    public static int Rounds(int brief, int soak = 1_000_000) =>
        Environment.GetEnvironmentVariable("PIPEFORKAS_SOAK") == "1" ? soak : brief;

    /// <summary>Runs.</summary>
    /// <param name="rounds">How many inputs.</param>
    /// <param name="make">Creates an input.</param>
    /// <param name="takes">Passes it to the parser; returns whether it was accepted. Throws only undocumented exceptions.</param>
    /// <param name="bytesForAll">Bytes of memory allowed for an input of any length.</param>
    public static async Task<FuzzResult> RunAsync(
        int rounds, Func<Random, byte[]> make, Func<byte[], bool> takes, int bytesForAll = BytesForAll)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("PIPEFORKAS_SEED"), CultureInfo.InvariantCulture, out int wanted)
            ? wanted : Environment.TickCount;
        var run = new Run(seed, rounds, make, takes, bytesForAll);
        Task<FuzzResult> running = Task.Factory.StartNew(
            run.ToTheEnd, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        int round = -1;
        while (await Task.WhenAny(running, Task.Delay(Patience)) != running)
        {
            if (run.Round == round)
                throw new TimeoutException(run.Words("hangs"));
            round = run.Round;
        }

        FuzzResult result = await running;
        TestContext.Current.TestOutputHelper?.WriteLine(result.ToString());
        Assert.True(result.LargestExcess <= bytesForAll, $"{result}");
        Assert.True(result.Growth < Flat, $"{result}");
        return result;
    }

    private sealed class Run(int seed, int rounds, Func<Random, byte[]> make, Func<byte[], bool> takes, int bytesForAll)
    {
        private byte[] input = [];

        public volatile int Round;

        public FuzzResult ToTheEnd()
        {
            var random = new Random(seed);
            int taken = 0;
            long largest = long.MinValue, before = 0;
            for (Round = 0; Round < rounds; Round++)
            {
                // One-time allocations of the first inputs do not count.
                if (Round == rounds / 10)
                {
                    before = GC.GetTotalMemory(forceFullCollection: true);
                    largest = long.MinValue;
                }

                input = make(random);
                long allocated = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    if (takes(input))
                        taken++;
                }
#pragma warning disable CA1031 // Every exception is what the test looks for.
                catch (Exception failure)
#pragma warning restore CA1031
                {
                    throw new InvalidOperationException(Words("fails"), failure);
                }

                long excess = GC.GetAllocatedBytesForCurrentThread() - allocated - ((long)BytesForEach * input.Length);
                if (excess > bytesForAll && Round >= rounds / 10)
                    throw new InvalidOperationException(
                        Words(string.Create(CultureInfo.InvariantCulture, $"takes {excess} bytes too many")));
                largest = Math.Max(largest, excess);
            }

            return new FuzzResult(seed, rounds, taken, largest, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        public string Words(string what) => string.Create(
            CultureInfo.InvariantCulture, $"seed {seed}, round {Round} {what}: {Convert.ToHexString(input)}");
    }
}
