using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Tests.Stock;

/// <summary>What the tests of the jobs for files share.</summary>
internal static class Failures
{
    /// <summary>The context of a job whose user has a home that does not exist.</summary>
    public static JobContext Context { get; } = WithHome("/nonexistent");

    public static JobContext WithHome(string home) =>
        new(new JobUser("alice", 1000, 1000, [1000], home, "/bin/sh"), default, Stream.Null, Stream.Null, Stream.Null);

    /// <summary>Demands that the job fails with this kind and errno, and returns the failure.</summary>
    public static JobException Assert(string kind, Errno errno, Func<object?> run)
    {
        JobException failure = Xunit.Assert.Throws<JobException>(() => run());
        Xunit.Assert.Equal((kind, errno == Errno.None ? null : (int?)errno.Value), (failure.Kind, failure.Errno));
        return failure;
    }
}
