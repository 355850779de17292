namespace PipeForkAs.Protocol.Worker;

/// <summary>
/// The order to a worker: whom to become and what to run. All is resolved already; a worker looks nothing up. Its lists are arrays, since a
/// worker would resolve each call by an interface anew, which takes longer than what it does with them.
/// </summary>
public sealed record WorkerOrder
{
    /// <summary>The function's name in the job host, or of the command in the configuration.</summary>
    public required string Job { get; init; }

    /// <summary>The program and its arguments for a command; empty for a function.</summary>
    public string[] Command { get; init; } = [];

    /// <summary>
    /// The function's arguments as a JSON object in UTF-8, as the client sent them; empty for none. Read only after the worker became the
    /// user.
    /// </summary>
    public byte[] Arguments { get; init; } = [];

    /// <summary>The user to become.</summary>
    public required Account Account { get; init; }

    /// <summary>Variables beside those that the account gives, NAME and VALUE.</summary>
    public KeyValuePair<string, string>[] Environment { get; init; } = [];

    /// <summary>What the worker is limited to.</summary>
    public WorkerLimits Limits { get; init; } = new();

    /// <summary>What the job may reach; all of them hold.</summary>
    public Sandbox[] Sandboxes { get; init; } = [];

    /// <summary>
    /// Whether a rule grants root by name: set for uid 0 and for no other. Without it a worker never runs a job as uid 0.
    /// </summary>
    public bool GrantsRoot { get; init; }

    /// <summary>
    /// Whether descendants that lose their parent become the worker's children, so that the daemon finds them; PR_SET_CHILD_SUBREAPER.
    /// </summary>
    public bool KeepsOrphans { get; init; }

    /// <summary>
    /// Whether the worker of a function that returned well waits until the daemon shuts its end of the control socket down for writing,
    /// which it does when the client has its answer, or for <see cref="WorkerProtocol.AnswerPatienceMilliseconds"/>: the kernel takes a
    /// process down in one go, and whoever waits for an answer should not wait for that too.
    /// </summary>
    public bool AwaitsAnswer { get; init; }

    /// <summary>
    /// How long a worker, whose program has ended, goes on for processes that still hold the program's outputs, in milliseconds; 0 or more.
    /// What they write later is lost.
    /// </summary>
    public long GraceMilliseconds { get; init; }

    /// <summary>How long these processes may write nothing until the worker goes on for them no more, in milliseconds; 0 or more.</summary>
    public long OrphanGraceMilliseconds { get; init; }

    /// <summary>
    /// Whether the job must begin in its user's home: the policy took a relative path for one below it. A worker that cannot enter the home
    /// fails then; otherwise its job begins in <c>/</c>.
    /// </summary>
    public bool NeedsHome { get; init; }

    /// <summary>
    /// Where this is set, no job runs: the worker becomes the user, tells by <see cref="ConsentAnswer"/> whether the user's own file lets
    /// one of these run <see cref="Job"/>, and ends. Each is a user name, a uid in digits, or a group's name or gid behind <c>@</c>. Null
    /// to run the job.
    /// </summary>
    public string[]? ConsentFor { get; init; }

    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer)
    {
        writer.Begin(MessageKind.WorkerOrder).Text(Job).Texts(Command).Bytes(Arguments);
        Account.Encode(writer);
        writer.Int32(Environment.Length);
        foreach ((string name, string value) in Environment)
            writer.Text(name).Text(value);
        Limits.Encode(writer);
        SandboxMessage.EncodeAll(Sandboxes, writer);
        writer.Bool(KeepsOrphans).Bool(GrantsRoot).Bool(AwaitsAnswer);
        writer.Int64(GraceMilliseconds).Int64(OrphanGraceMilliseconds).Bool(NeedsHome);
        writer.Bool(ConsentFor is not null).Texts(ConsentFor ?? []);
    }

    /// <summary>Reads the message.</summary>
    public static WorkerOrder Decode(ref MessageReader reader)
    {
        string job = reader.Text();
        string[] command = reader.Texts();
        byte[] arguments = reader.Bytes().ToArray();
        Account account = Account.Decode(ref reader);
        var environment = new KeyValuePair<string, string>[reader.Count(2 * sizeof(int))];
        for (int i = 0; i < environment.Length; i++)
            environment[i] = new(reader.Text(), reader.Text());
        WorkerLimits limits = WorkerLimits.Decode(ref reader);
        Sandbox[] sandboxes = SandboxMessage.DecodeAll(ref reader);
        bool keepsOrphans = reader.Bool();
        bool grantsRoot = reader.Bool();
        bool awaitsAnswer = reader.Bool();
        long grace = Grace(reader.Int64());
        long orphanGrace = Grace(reader.Int64());
        bool needsHome = reader.Bool();
        bool asksConsent = reader.Bool();
        string[] consentFor = reader.Texts();
        if (!asksConsent && consentFor.Length > 0)
            throw new FormatException("an order to run a job names callers");
        reader.End();
        return new WorkerOrder
        {
            Job = job,
            Command = command,
            Arguments = arguments,
            Account = account,
            Environment = environment,
            Limits = limits,
            Sandboxes = sandboxes,
            KeepsOrphans = keepsOrphans,
            GrantsRoot = grantsRoot,
            AwaitsAnswer = awaitsAnswer,
            GraceMilliseconds = grace,
            OrphanGraceMilliseconds = orphanGrace,
            NeedsHome = needsHome,
            ConsentFor = asksConsent ? consentFor : null,
        };
    }

    private static long Grace(long milliseconds) =>
        milliseconds >= 0 ? milliseconds : throw new FormatException($"a grace is {milliseconds} ms");
}
