namespace PipeForkAs.Protocol.Worker;

/// <summary>The order to a worker: the user to become and the job to run. The daemon has resolved everything; a worker looks nothing up.
/// The lists are arrays, because a worker would have to resolve each interface call again, which takes longer than its work with the lists.
/// </summary>
public sealed record WorkerOrder
{
    /// <summary>The name of the function in the job host, or of the command in the configuration.</summary>
    public required string Job { get; init; }

    /// <summary>The program and its arguments for a command; empty for a function.</summary>
    public string[] Command { get; init; } = [];

    /// <summary>The function's arguments as a JSON object in UTF-8, as the client sent them; empty for none. The worker reads them only
    /// after it has become the user.
    /// </summary>
    public byte[] Arguments { get; init; } = [];

    /// <summary>The user to become.</summary>
    public required Account Account { get; init; }

    /// <summary>Variables in addition to those of the account, NAME and VALUE.</summary>
    public KeyValuePair<string, string>[] Environment { get; init; } = [];

    /// <summary>The worker's limits.</summary>
    public WorkerLimits Limits { get; init; } = new();

    /// <summary>What the job may access; all sandboxes apply.</summary>
    public Sandbox[] Sandboxes { get; init; } = [];

    /// <summary>Whether a rule grants root by name: set for uid 0 and for no other uid. Without it, a worker never runs a job as uid 0.
    /// </summary>
    public bool GrantsRoot { get; init; }

    /// <summary>Whether descendants that lose their parent become the worker's children, so that the daemon finds them;
    /// PR_SET_CHILD_SUBREAPER.
    /// </summary>
    public bool KeepsOrphans { get; init; }

    /// <summary>Whether a worker whose function succeeded waits before it exits. It waits until the daemon shuts down its end of the
    /// control socket for writing, which the daemon does when the client has its reply, or for
    /// <see cref="WorkerProtocol.AnswerPatienceMilliseconds"/>. The kernel tears a process down in one step, and a client that waits for a
    /// reply should not have to wait for that too.
    /// </summary>
    public bool AwaitsAnswer { get; init; }

    /// <summary>How long a worker whose program has ended continues for processes that still have the program's outputs open, in
    /// milliseconds; 0 or more. Their later output is lost.
    /// </summary>
    public long GraceMilliseconds { get; init; }

    /// <summary>How long these processes may write nothing before the worker stops waiting for them, in milliseconds; 0 or more.</summary>
    public long OrphanGraceMilliseconds { get; init; }

    /// <summary>Whether the job must start in the user's home directory, because the policy resolved a relative path below it. A worker
    /// that cannot enter the home directory then fails; otherwise the job starts in <c>/</c>.
    /// </summary>
    public bool NeedsHome { get; init; }

    /// <summary>If set, no job runs: the worker becomes the user, reports with <see cref="ConsentAnswer"/> whether the user's consent file
    /// lets one of these names run <see cref="Job"/>, and ends. Each is a user name, a uid in digits, or <c>@</c> and a group's name or
    /// gid. Null to run the job.
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
