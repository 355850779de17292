using System.Text.Json.Nodes;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs;

/// <summary>A registered function. <c>describe</c> shows its options, and the worker applies them.</summary>
public abstract class Job
{
    private readonly List<string> environment = [];
    private readonly List<string> unsafeEnvironment = [];
    private readonly List<Sandbox> sandboxes = [];
    private readonly List<string> auditedArguments = [];

    private protected Job(string name, JobKind kind)
    {
        ArgumentNullException.ThrowIfNull(name);
        Name = name;
        Kind = kind;
    }

    /// <summary>The name that clients use in a request.</summary>
    public string Name { get; }

    internal JobKind Kind { get; }

    /// <summary>What the job does, in one line.</summary>
    public string Description { get; private set; } = "";

    /// <summary>How long the job may run; zero if only the daemon's limit applies.</summary>
    public TimeSpan Timeout { get; private set; }

    /// <summary>The environment variables that a client may set.</summary>
    public IReadOnlyList<string> Environment => environment;

    /// <summary>The environment variables that a client may set and that change which code common programs run.</summary>
    public IReadOnlyList<string> UnsafeEnvironment => unsafeEnvironment;

    /// <summary>What the job may access; all sandboxes apply together.</summary>
    public IReadOnlyList<Sandbox> Sandboxes => sandboxes;

    /// <summary>The arguments whose values the daemon's audit records show; <c>*</c> for all.</summary>
    public IReadOnlyList<string> AuditedArguments => auditedArguments;

    /// <summary>Whether programs that the job executes may gain privileges, as set-user-id programs do.</summary>
    public bool MayGainPrivileges { get; private set; }

    /// <summary>Sets the description of the job.</summary>
    /// <param name="description">One line.</param>
    public Job WithDescription(string description)
    {
        ArgumentNullException.ThrowIfNull(description);
        if (description.AsSpan().IndexOfAny('\n', '\r', '\0') >= 0)
            throw new ArgumentException("a description must be one line", nameof(description));
        Description = description;
        return this;
    }

    /// <summary>Limits how long the job runs; a job that runs longer times out. Clients and the daemon's configuration can only shorten the
    /// limit.
    /// </summary>
    /// <param name="timeout">More than zero, at most a day.</param>
    public Job WithTimeout(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timeout, TimeSpan.FromDays(1));
        Timeout = timeout;
        return this;
    }

    /// <summary>Lets clients set these environment variables.</summary>
    /// <param name="names">Names, except those that change which code runs (LD_*, PATH, DOTNET_* and the like).</param>
    /// <exception cref="ArgumentException">A name is not valid, or is never allowed.</exception>
    public Job AllowEnvironment(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (EnvironmentVariable.SteersPrograms(name))
            {
                throw new ArgumentException(
                    $"the variable \"{name}\" changes which code common programs run; if that is intended, "
                    + $"use {nameof(AllowUnsafeEnvironment)}",
                    nameof(names));
            }
            if (!EnvironmentVariable.MayBeAllowed(name))
                throw new ArgumentException($"clients cannot be allowed to set the variable \"{name}\"", nameof(names));
            environment.Add(name);
        }

        return this;
    }

    /// <summary>Lets clients set environment variables that change which code common programs run, such as <c>GIT_SSH_COMMAND</c> and
    /// <c>LESSOPEN</c>. A caller that may run the job may then run any code as the job's user. <c>describe</c> shows these variables.
    /// </summary>
    /// <param name="names">
    /// Names that <see cref="AllowEnvironment"/> refuses for this reason; names that are never allowed are refused here too.
    /// </param>
    /// <exception cref="ArgumentException">A name is not one of these.</exception>
    public Job AllowUnsafeEnvironment(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (!EnvironmentVariable.SteersPrograms(name))
            {
                throw new ArgumentException(EnvironmentVariable.MayBeAllowed(name)
                    ? $"the variable \"{name}\" is not known to change which code runs; use {nameof(AllowEnvironment)}"
                    : $"clients cannot be allowed to set the variable \"{name}\"", nameof(names));
            }

            unsafeEnvironment.Add(name);
        }

        return this;
    }

    /// <summary>Takes access away from the job that it does not need. The configuration can take more away, but cannot give any back. If
    /// the kernel lacks a required feature (Landlock, seccomp), the daemon does not start with this job.
    /// </summary>
    /// <param name="sandbox">What the job may access. Several sandboxes apply together.</param>
    /// <exception cref="ArgumentException">
    /// A path is neither absolute nor below <c>~</c>, there are too many paths, or the sandbox restricts nothing.
    /// </exception>
    public Job WithSandbox(Sandbox sandbox)
    {
        ArgumentNullException.ThrowIfNull(sandbox);
        if (sandbox.IsEmpty)
            throw new ArgumentException("the sandbox restricts nothing", nameof(sandbox));
        if (sandbox.ReadOnly.Count > Sandbox.MaxPaths || sandbox.ReadWrite.Count > Sandbox.MaxPaths)
            throw new ArgumentException($"a sandbox has at most {Sandbox.MaxPaths} paths in a list", nameof(sandbox));
        foreach (string path in sandbox.ReadOnly.Concat(sandbox.ReadWrite))
        {
            if (Sandbox.PathProblem(path) is { } problem)
                throw new ArgumentException($"the path \"{path}\" {problem}", nameof(sandbox));
        }

        sandboxes.Add(sandbox);
        return this;
    }

    /// <summary>Lets the daemon's audit records show these arguments. For all other arguments, the records contain a keyed hash, which does
    /// not reveal the value. Never name a password, a token or a key here.
    /// </summary>
    /// <param name="names">Names of arguments; none for all of them.</param>
    public Job WithAuditedArguments(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            ArgumentException.ThrowIfNullOrEmpty(name, nameof(names));
            auditedArguments.Add(name);
        }

        if (names.IsEmpty)
            auditedArguments.Add("*");
        return this;
    }

    /// <summary>Lets programs that the job executes gain privileges, as sudo(8) and other set-user-id programs do. Without this, and in a
    /// sandbox, the worker sets no_new_privs; prctl(2).
    /// </summary>
    public Job AllowNewPrivileges()
    {
        MayGainPrivileges = true;
        return this;
    }

    /// <summary>Returns the JSON schema of the arguments; null if the job takes none.</summary>
    internal abstract JsonNode? ArgumentsSchema();

    /// <summary>Runs the function and returns its exit code.</summary>
    internal abstract int Invoke(JobContext context);

    /// <summary>Refuses arguments for a job that takes none.</summary>
    private protected void RefuseArguments(JobContext context)
    {
        if (context.ArgumentsJson.IsEmpty)
            return;
        ReadOnlySpan<byte> json = context.ArgumentsJson.Span.Trim(" \t\r\n"u8);
        if (json.IsEmpty || (json is [(byte)'{', .. var members, (byte)'}'] && members.Trim(" \t\r\n"u8).IsEmpty))
            return;
        throw new JobArgumentsException($"the job {Name} takes no arguments");
    }
}
