using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>
/// Limits how often callers can try passwords: by caller and user, and by caller. An attempt in progress counts like a failure, so that
/// attempts side by side do not exceed a limit. A caller's failures do not limit other callers.
/// </summary>
internal sealed class SignInFailures(TimeProvider time, CurrentConfiguration configuration)
{
    private static readonly TimeSpan TimeBetweenSweeps = TimeSpan.FromSeconds(1);

    private readonly Dictionary<(Bucket Caller, string? User), Count> counts = [];
    private long swept;

    private long Now => time.GetTimestamp();

    private SignInOptions Options => configuration.Policy.SignIn;

    /// <summary>Begins an attempt.</summary>
    /// <param name="caller">The bucket of the caller.</param>
    /// <param name="user">The name of the user.</param>
    /// <exception cref="RefusedException">There were too many failures; the message says how long to wait.</exception>
    public Attempt Begin(Bucket caller, string user)
    {
        Sweep();
        Count ofCaller = Of(caller, null);
        ThrowIfFull(ofCaller, Options.MaxCallerFailures, "of this caller", "Policy:SignIn:MaxCallerFailures");
        Count ofUser = Of(caller, user);
        ThrowIfFull(ofUser, Options.MaxFailures, $"to sign \"{user}\" in", "Policy:SignIn:MaxFailures");
        ofUser.Running++;
        ofCaller.Running++;
        return new Attempt(this, ofUser, ofCaller);
    }

    private Count Of(Bucket caller, string? user)
    {
        if (!counts.TryGetValue((caller, user), out Count? count))
            counts.Add((caller, user), count = new Count());
        Forget(count);
        return count;
    }

    private void ThrowIfFull(Count count, int most, string what, string key)
    {
        if (count.Failures + count.Running < most)
            return;
        string when = count.Failures == 0 ? "when one of them has ended" : $"in {Math.Ceiling(Left(count).TotalSeconds):0} s";
        throw new RefusedException(
            ReplyCode.Busy, $"{count.Failures} attempts {what} failed and {count.Running} are in progress, the maximum ({key}); "
            + $"try again {when}");
    }

    private TimeSpan Left(Count count) => Options.FailureWindow - time.GetElapsedTime(count.Began);

    /// <summary>Forgets failures that are older than the window.</summary>
    private void Forget(Count count)
    {
        if (count.Failures > 0 && Left(count) <= TimeSpan.Zero)
            count.Failures = 0;
    }

    /// <summary>Removes the counts that count nothing. The time grows with their number: not for each attempt.</summary>
    private void Sweep()
    {
        if (time.GetElapsedTime(swept) < TimeBetweenSweeps)
            return;
        swept = Now;
        foreach (((Bucket, string?) key, Count count) in counts)
        {
            Forget(count);
            if (count is { Failures: 0, Running: 0 })
                counts.Remove(key);
        }
    }

    /// <summary>The attempts of a caller, for one user or all users.</summary>
    internal sealed class Count
    {
        public int Failures { get; set; }

        public int Running { get; set; }

        /// <summary>The time of the first failure, as a timestamp.</summary>
        public long Began { get; set; }

        public void Fail(long now)
        {
            if (Failures++ == 0)
                Began = now;
        }
    }

    /// <summary>An attempt in progress.</summary>
    internal sealed class Attempt(SignInFailures failures, Count ofUser, Count ofCaller) : IDisposable
    {
        private bool isOver;

        /// <summary>Counts the attempt as a failure.</summary>
        public void Fail()
        {
            long now = failures.Now;
            ofUser.Fail(now);
            ofCaller.Fail(now);
        }

        /// <summary>Forgets the failures of the caller with this user, who is there now.</summary>
        public void Succeed() => ofUser.Failures = 0;

        /// <summary>Ends the attempt. A second call has no effect.</summary>
        public void Dispose()
        {
            if (isOver)
                return;
            isOver = true;
            ofUser.Running--;
            ofCaller.Running--;
        }
    }
}
