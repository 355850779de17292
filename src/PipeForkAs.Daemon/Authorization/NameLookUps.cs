using PipeForkAs.Daemon.Users;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Asks the user database for the names in rules, each name on a thread of its own: one that hangs holds up no other. One name is asked
/// for once at a time. From any thread; no answer comes on the loop's.
/// </summary>
/// <param name="names">The user database.</param>
internal sealed class NameLookUps(INames names)
{
    /// <summary>Names that are asked for at once. As many that hang hold up the others; where so many do, the database is down.</summary>
    internal const int MaxThreads = 64;

    private readonly Lock gate = new();
    private readonly Dictionary<PolicyName, LookUp> asked = [];
    private readonly Queue<LookUp> waiting = new();
    private int running;

    /// <summary>Asks for a name. The answer is <see cref="NameState.Unanswered"/> where the lookup failed.</summary>
    /// <param name="name">The name.</param>
    /// <param name="afresh">Whether the answer of a lookup that has started before this call would be too old.</param>
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

    /// <summary>Asks for names, and waits for the answers for a time.</summary>
    /// <param name="all">The names.</param>
    /// <param name="patience">How long it waits. Lookups that have no answer then go on, and can be joined.</param>
    /// <returns>An answer for each name; <see cref="NameState.Unanswered"/> where none came in time.</returns>
    public async Task<Dictionary<PolicyName, NameAnswer>> AskAsync(IEnumerable<PolicyName> all, TimeSpan patience)
    {
        (PolicyName Name, Task<NameAnswer> Answer)[] tasks = [.. all.Select(name => (name, AskAsync(name, afresh: true)))];
        await Task.WhenAny(Task.WhenAll(tasks.Select(task => task.Answer)), Task.Delay(patience)).ConfigureAwait(false);
        return tasks.ToDictionary(
            task => task.Name,
            task => task.Answer.IsCompletedSuccessfully
                ? task.Answer.Result
                : NameAnswer.None($"the user database did not answer about {task.Name} within {patience.TotalSeconds:0.###} s"));
    }

    /// <summary>Starts what waits, as long as there is a place. The caller holds the gate.</summary>
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
#pragma warning disable CA1031 // Whatever it is, as that no thread can be started: there was no answer, and the rules are told so.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            answer = NameAnswer.None($"the user database could not be asked about {lookUp.Name}: {failure.Message}");
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

    /// <summary>Who asked before gets the answer to what was asked since: an older one, which may come later, would undo it.</summary>
    private static async Task PassOnAsync(LookUp successor, LookUp former)
    {
        former.IsSuperseded = true;
        former.Answer.TrySetResult(await successor.Answer.Task);
    }

    private sealed class LookUp(PolicyName name)
    {
        public PolicyName Name => name;

        public TaskCompletionSource<NameAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Whether another lookup of the same name was asked for since.</summary>
        public bool IsSuperseded { get; set; }

        /// <summary>Whether the database is being asked; before, it waits for a place.</summary>
        public bool IsStarted { get; set; }
    }
}
