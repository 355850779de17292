using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>The buckets of callers with an account.</summary>
internal static class TestCallers
{
    public static Bucket Alice { get; } = Bucket.OfAccount(new UserId(1001));

    public static Bucket Bob { get; } = Bucket.OfAccount(new UserId(1002));

    public static Bucket Carol { get; } = Bucket.OfAccount(new UserId(1003));
}
