using PipeForkAs.Daemon.Users;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Looks the names in rules up in the user database. Each name has its own thread, so a lookup that hangs does not delay other names. One
/// lookup of a name runs at a time. Methods can be called from any thread; no answer arrives on the loop.
/// </summary>
/// <param name="names">The user database.</param>
internal sealed class NameLookUps(INames names)
{
    /// <summary>The most lookups that run at once. If this many hang, the others wait; in that case the database is down.</summary>
    internal const int MaxThreads = 64;

    private readonly Lock gate = new();
    private readonly Dictionary<PolicyName, LookUp> asked = [];
    private readonly Queue<LookUp> waiting = new();
    private int running;

    /// <summary>Looks a name up. The answer is <see cref="NameState.Unanswered"/> if the lookup failed.</summary>
    /// <param name="name">The name.</param>
    /// <param name="afresh">Whether an answer is too old if its lookup started before this call.</param>
    public Task<NameAnswer> AskAsync(PolicyName name, bool afresh)
    {
        lock (gate)
        {
            if (!asked.TryGetValue(name, out LookUp? lookUp) || (afresh && lookUp.IsStarted))
            {
                LookUp? former = lookUp;
                asked[name] = lookUp = new LookUp(name);
                if (former is not null)
                    _ = PassOnAsync(lookUp, former);
                waiting.Enqueue(lookUp);
                StartNext();
            }

            return lookUp.Answer.Task;
        }
    }

    /// <summary>Looks names up, and waits for the answers for a limited time.</summary>
    /// <param name="all">The names.</param>
    /// <param name="patience">How long to wait. Lookups that have no answer by then continue, and a later call can join them.</param>
    /// <returns>An answer for each name; <see cref="NameState.Unanswered"/> if none came in time.</returns>
    public async Task<Dictionary<PolicyName, NameAnswer>> AskAsync(IEnumerable<PolicyName> all, TimeSpan patience)
    {
        (PolicyName Name, Task<NameAnswer> Answer)[] tasks = [.. all.Select(name => (name, AskAsync(name, afresh: true)))];
        Task answered = Task.WhenAll(tasks.Select(task => task.Answer));
        await answered.WaitAsync(patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return tasks.ToDictionary(
            task => task.Name,
            task => task.Answer.IsCompletedSuccessfully
                ? task.Answer.Result
                : NameAnswer.None($"the user database did not answer about {task.Name} within {patience.TotalSeconds:0.###} s"));
    }

    /// <summary>Starts waiting lookups while there are free threads. The calling method holds the gate.</summary>
    private void StartNext()
    {
        while (running < MaxThreads && waiting.TryDequeue(out LookUp? next))
        {
            next.IsStarted = true;
            running++;
            _ = Task.Run(() => RunAsync(next));
        }
    }

    private async Task RunAsync(LookUp lookUp)
    {
        NameAnswer answer;
        try
        {
            answer = await LookUps.OnThread(() => NameAnswer.Of(names, lookUp.Name));
        }
#pragma warning disable CA1031 // For any failure, for example if no thread can be started: there is no answer, and the rules learn that.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            answer = NameAnswer.None($"the lookup of {lookUp.Name} in the user database failed: {failure.Message}");
        }

        bool isLatest;
        lock (gate)
        {
            running--;
            isLatest = !lookUp.IsSuperseded;
            if (isLatest)
                asked.Remove(lookUp.Name);
            StartNext();
        }

        if (isLatest)
            lookUp.Answer.TrySetResult(answer);
    }

    /// <summary>Gives earlier waiters the answer of the newer lookup: the older answer can arrive later, and would undo it.</summary>
    private static async Task PassOnAsync(LookUp successor, LookUp former)
    {
        former.IsSuperseded = true;
        former.Answer.TrySetResult(await successor.Answer.Task);
    }

    private sealed class LookUp(PolicyName name)
    {
        public PolicyName Name => name;

        public TaskCompletionSource<NameAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Whether a newer lookup of the same name was requested.</summary>
        public bool IsSuperseded { get; set; }

        /// <summary>Whether the lookup is running; before that, it waits for a free thread.</summary>
        public bool IsStarted { get; set; }
    }
}
