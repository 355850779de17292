using System.Buffers.Binary;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>Proves at every start that managed code works after a fork on this system. Two sibling processes run a task, a collection and
/// finalizers, and the values that must differ between processes are compared. A runtime with another build or configuration fails here,
/// and not in a job.
/// </summary>
internal static class SelfTest
{
    private const string Variable = "PIPEFORKAS_SELF_TEST";

    private static readonly string[] Sources = ["Random.Shared", "Guid.NewGuid", "string.GetHashCode", "HashCode.Combine"];

    /// <summary>Runs the test.</summary>
    /// <exception cref="HostRefusedException">The test failed; the message names the part that failed.</exception>
    public static void Run()
    {
        HelperProcess.Helper first = HelperProcess.Start("the self-test", Probe);
        HelperProcess.Helper second = HelperProcess.Start("the self-test", Probe);
        byte[] one = first.Finish();
        byte[] other = second.Finish();

        string[] same = [.. Sources.Where((_, i) => one.AsSpan(i * 8, 8).SequenceEqual(other.AsSpan(i * 8, 8)))];
        if (same.Length > 0)
            throw new HostRefusedException(
                $"the self-test failed: {string.Join(", ", same)} gave the same value in two workers, because code used it before "
                + "the fork (JSON does, and dictionaries with string keys); register jobs without it");
    }

#pragma warning disable RS0030, CA5394 // Runs after the fork, in a short-lived child; the numbers are compared, not trusted.
    private static void Probe(FileDescriptor output)
    {
        Libc.set_environment([$"{Variable}=seen"]);

        // The first garbage, before anything else starts a thread.
        long sum = Allocate();
        GC.Collect();
        using (FileDescriptor tasks = RuntimeThreads.OpenTasks())
        {
            if (RuntimeThreads.Count(tasks) == 1)
                throw new HostRefusedException("the self-test failed: a collection in a worker does not start the finalizer thread");
        }

        sum += Task.Run(Allocate).GetAwaiter().GetResult();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (sum == 0 || !Finalized.Seen)
            throw new HostRefusedException("the self-test failed: finalizers do not run in a worker");

        // .NET copies the environment when code first lists or changes it. A job would then see the job host's environment.
        if (Environment.GetEnvironmentVariable(Variable) != "seen")
            throw new HostRefusedException(
                "the self-test failed: a worker does not see its own environment, because code listed or changed the variables before the "
                + "fork; register jobs without it");

        Span<byte> values = stackalloc byte[Sources.Length * 8];
        BinaryPrimitives.WriteInt64LittleEndian(values, Random.Shared.NextInt64());
        Guid.NewGuid().ToByteArray().AsSpan(0, 8).CopyTo(values[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(values[16..], "pipeforkas".GetHashCode(StringComparison.Ordinal) * 0x1_0000_0001L);
        BinaryPrimitives.WriteInt64LittleEndian(values[24..], HashCode.Combine(1, 2) * 0x1_0000_0001L);
        Libc.write(output, values).OrThrow("write(self-test)");
    }
#pragma warning restore RS0030, CA5394

    /// <summary>Creates garbage with a finalizer, in its own stack frame, so that no reference remains.</summary>
    private static long Allocate()
    {
        long sum = 0;
        for (int i = 0; i < 16; i++)
        {
            sum += new Finalized().GetHashCode();
            sum += new byte[4096].Length;
        }

        return sum;
    }

    private sealed class Finalized
    {
        private static volatile bool seen;

        ~Finalized() => seen = true;

        public static bool Seen => seen;
    }
}
