using System.Globalization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Asks users for consent through workers: the daemon never reads the contents of a home. A forked worker becomes the user, reads the
/// user's file, answers, and exits. A home that hangs delays only the questions about its user, until <c>LookupTimeout</c>.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="configuration">Says how long an answer can take.</param>
/// <param name="take">Takes a worker.</param>
/// <param name="unkillable">The jobs that cannot be killed; a question also counts as one.</param>
/// <param name="groupName">Returns the name of a group, or null; can wait for the network.</param>
internal sealed class WorkerConsents(
    Loop loop, CurrentConfiguration configuration, Func<Bucket, TimeSpan, ValueTask<ForkedWorker>> take, UnkillableJobs unkillable,
    Func<GroupId, string?> groupName)
    : IConsents
{
    /// <summary>
    /// The most groups of a caller that are compared. A caller in more groups can match by name, by uid, or by one of these groups.
    /// </summary>
    private const int MaxGroups = 1024;

    /// <summary>The longest name that is used; longer names are ignored, because a worker order has a maximum length.</summary>
    private const int MaxNameLength = 128;

    /// <summary>The most callers whose groups are looked up at once.</summary>
    private const int MaxThreads = 16;

    private static readonly WorkerLimits Tight = new() { OpenFiles = 64, CpuSeconds = 2, FileSize = 0 };

    private readonly Dictionary<string, FairGate> targets = [];
    private readonly MessageWriter writer = new(4096);
    private readonly FairGate threads = new(loop, MaxThreads, MaxThreads / 2);

    public async ValueTask<ConsentAnswer> AskAsync(Caller caller, string? callerName, string job, Account target)
    {
        if (unkillable.Of(Bucket.OfAccount(new UserId(target.Uid))) >= configuration.Limits.MaxJobsPerUid)
            return new ConsentAnswer(false, $"too many jobs of {target.Name} cannot be killed (Limits:MaxJobsPerUid)");
        var late = new TaskCompletionSource();
        long begun = loop.Time.GetTimestamp();
        TimeSpan timeout = configuration.Limits.LookupTimeout;
        using LoopTimer deadline = loop.Schedule(timeout, () => late.TrySetResult());

        // One question at a time about each user: a home that hangs occupies one worker and not all of them.
        if (!targets.TryGetValue(target.Name, out FairGate? gate))
            targets.Add(target.Name, gate = new FairGate(loop, places: 1, placesPerBucket: 1));
        if (!await gate.EnterAsync(caller.Bucket, late.Task))
            return Late(timeout);
        try
        {
            Task<string[]> names = NamesAsync(caller, callerName, late.Task);
            if (await Task.WhenAny(names, late.Task) == late.Task)
                return Late(timeout);
            TimeSpan left = timeout - loop.Time.GetElapsedTime(begun);
            using var worker = new Released(
                loop, unkillable, Bucket.OfAccount(new UserId(target.Uid)),
                await take(caller.Bucket, left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1)));
            var order = new WorkerOrder { Job = job, Account = target, Limits = Tight, ConsentFor = await names };
            worker.Worker.Order(order, default(GroupLimits), writer);

            if (await Task.WhenAny(worker.Worker.Ended, late.Task) == late.Task)
                return Late(timeout);
            WorkerReport report = worker.Worker.ReadReport();
            return report.Consent
                ?? new ConsentAnswer(
                    false, report.Failed is { } failed ? $"step {failed.Step}: {failed.Detail}" : "the worker ended without an answer");
        }
        catch (Exception failure) when (failure is SystemCallException or JobHostException)
        {
            return new ConsentAnswer(false, failure.Message);
        }
        finally
        {
            gate.Leave(caller.Bucket);
            if (gate.IsIdle)
                targets.Remove(target.Name);
        }
    }

    /// <summary>
    /// Returns all names that the user's file can use for the caller. Omits a name that the file could read as something else (a uid, a
    /// group, everyone).
    /// </summary>
    internal static string[] Names(Caller caller, string? callerName, IEnumerable<(GroupId Gid, string? Name)> groups)
    {
        var names = new List<string> { caller.Uid.Value.ToString(CultureInfo.InvariantCulture) };
        if (IsName(callerName))
            names.Add(callerName!);
        foreach ((GroupId gid, string? name) in groups)
        {
            names.Add($"@{gid.Value.ToString(CultureInfo.InvariantCulture)}");
            if (IsName(name))
                names.Add($"@{name}");
        }

        return [.. names];
    }

    private static bool IsName(string? name) =>
        name is { Length: > 0 and <= MaxNameLength } && name[0] != '@' && name.AsSpan().IndexOfAnyExceptInRange('0', '9') >= 0
        && !name.AsSpan().ContainsAny("*#") && !name.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter));

    private static ConsentAnswer Late(TimeSpan timeout) => new(false, $"there was no answer within {timeout.TotalSeconds:0.###} s");

    private async Task<string[]> NamesAsync(Caller caller, string? callerName, Task late)
    {
        GroupId[] groups = [.. caller.Groups.Prepend(caller.Gid).Distinct().Take(MaxGroups)];
        if (!await threads.EnterAsync(caller.Bucket, late))
            throw new JobHostException("the groups of callers were not looked up in time");
        try
        {
            return await Task.Factory.StartNew(
                () => Names(caller, callerName, groups.Select(gid => (gid, groupName(gid)))), CancellationToken.None,
                TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            threads.Leave(caller.Bucket);
        }
    }

    /// <summary>Releases a worker in every case.</summary>
    private readonly struct Released(Loop loop, UnkillableJobs unkillable, Bucket target, ForkedWorker worker) : IDisposable
    {
        public ForkedWorker Worker => worker;

        public void Dispose()
        {
            (UnkillableJobs jobs, Bucket user, Leftovers left) = (unkillable, target, worker.Leftovers);
            worker.Release();
            if (!left.Gone.IsCompleted)
                loop.Start(() => jobs.WatchAsync(user, left, static () => { }));
        }
    }
}
