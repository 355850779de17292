using PipeForkAs.Jobs.ByHand;
using PipeForkAs.Jobs.Registration;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.Testing;

/// <summary>Runs the jobs of a job host in the process of a test, as the user of the test: without a fork, a daemon or root. A request goes
/// through the checks of the daemon (form, job, environment, time limit) and of the worker (arguments), and the result is the one that a
/// client of the daemon gets.
/// </summary>
/// <remarks>
/// The process stays as it is. So a job sees the working directory and the environment of the test, and no sandbox, no limit except the
/// time limit, and no policy applies. <see cref="TestDaemon"/> has all of these.
/// </remarks>
/// <example>
/// <code>
/// var jobs = new JobTester(PanelJobs.Register);
/// JobOutput greeted = await jobs.CaptureAsync(jobs.Request("greet", "Name=World"));
/// Assert.Equal("Hello, World", greeted.EnsureSuccess().ReadJson(MyJson.Default.Greeted).Text);
/// </code>
/// </example>
public sealed class JobTester
{
    /// <summary>A day.</summary>
    private const double MaxSeconds = 24 * 60 * 60;

    /// <summary>A job that sets variables runs alone among those that do: a process has one environment.</summary>
    private static readonly SemaphoreSlim EnvironmentGate = new(1);

    private readonly JobCollection jobs = new();

    /// <summary>Registers the jobs.</summary>
    /// <param name="register">The function that <c>Main</c> passes to <see cref="JobHost.Run"/>.</param>
    /// <exception cref="ArgumentException">
    /// The daemon would refuse the registration: a name is not valid or registered twice, or an audited argument does not exist.
    /// </exception>
    public JobTester(Action<JobCollection> register)
    {
        ArgumentNullException.ThrowIfNull(register);
        register(jobs);
        foreach (Job job in jobs.Jobs)
        {
            // All schemas are derived, as the daemon asks for all of them at the start of a job host.
            if (AuditedArgumentNames.Problem(job, job.ArgumentsSchema()?.ToJsonString() ?? "") is { } problem)
                throw new ArgumentException(problem, nameof(register));
        }
    }

    /// <summary>The registered jobs.</summary>
    public IReadOnlyList<Job> Jobs => jobs.Jobs;

    /// <summary>The user that the jobs get. A request for another user gets <see cref="ReplyCode.Denied"/>. Default: the user of the test;
    /// another value changes what <see cref="JobContext.User"/> says, and not the ids of the process.
    /// </summary>
    public JobUser User { get; init; } = CurrentUser.Get();

    /// <summary>How long a cancelled job may run on, 0 or more. Default: 5 s, as of <c>Limits:KillGrace</c>; pipeforkas.json(5).</summary>
    public TimeSpan KillGrace
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(5);

    /// <summary>The clock of time limits and of <see cref="KillGrace"/>. Default: <see cref="TimeProvider.System"/>.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Creates a request with arguments as words, as <c>pipeforkas run JOB NAME=VALUE</c> does.</summary>
    /// <param name="job">The name of a registered job.</param>
    /// <param name="pairs">Words of the form <c>NAME=VALUE</c>, each name at most once.</param>
    /// <exception cref="ArgumentException">The job is not registered.</exception>
    /// <exception cref="RequestException">A word is not a pair, or does not fit the schema of the job's arguments.</exception>
    public JobRequest Request(string job, params ReadOnlySpan<string> pairs) => new(job)
    {
        Arguments = pairs.IsEmpty ? default(ReadOnlyMemory<byte>) : ArgumentPairs.ToJson(pairs.ToArray(), Describe(job).Arguments),
    };

    /// <summary>Describes a job as <c>pipeforkas describe</c> does.</summary>
    /// <param name="job">The name of a registered job.</param>
    /// <exception cref="ArgumentException">The job is not registered.</exception>
    public JobDescription Describe(string job) => jobs.Find(job) is { } found
        ? DescribeCommand.DescriptionOf(found)
        : throw new ArgumentException(NoSuchJob(job), nameof(job));

    /// <summary>Runs a job and passes its streams through while it runs, over sockets as in a worker: a job that writes waits until its
    /// output is read.
    /// </summary>
    /// <param name="request">The job to run.</param>
    /// <param name="input">
    /// The job's standard input, read to its end; null for no input. If the job ends first, it is read no further.
    /// </param>
    /// <param name="output">Receives the job's standard output, flushed at the end if the job wrote any; null to discard it.</param>
    /// <param name="error">Receives the job's standard error, in the same way.</param>
    /// <param name="cancellationToken">
    /// Cancels the job, as a <c>cancel</c> request does. The result then has <see cref="ReplyCode.Cancelled"/>, and the exit code of a job
    /// that ended within <see cref="KillGrace"/>. A job that never read <see cref="JobContext.CancellationToken"/> has the signal 15, and
    /// one that ran on for longer the signal 9. A thread cannot be killed: the function of such a job runs on in the process of the test,
    /// with its streams at their ends.
    /// </param>
    /// <returns>
    /// How the job ended, or why the daemon would not run it. No processor time and memory: they are the whole process's.
    /// </returns>
    /// <exception cref="RequestException">The request is not valid or longer than 64 KiB; a client would send nothing.</exception>
    /// <exception cref="JobStreamException">One of the three streams failed; the job was cancelled.</exception>
    public async Task<JobResult> RunAsync(
        JobRequest request,
        Stream? input = null,
        Stream? output = null,
        Stream? error = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        long start = TimeProvider.GetTimestamp();

        // Written and read as on the way to the daemon, with the checks of both ends.
        var received = Protocol.Client.Request.Parse(request.ToWire().ToLine().AsSpan()[..^1]);
        if (Refuse(received) is { } refused)
            return refused with { Duration = TimeProvider.GetElapsedTime(start) };

        Job job = jobs.Find(received.Job!)!;
        using var streams = new JobSockets(input, output, error);
        var execution = new JobExecution(job, User, received.Arguments ?? [], streams, TimeProvider);
        JobResult result = await ExecuteAsync(execution, received, TimeLimit(job, received), cancellationToken).ConfigureAwait(false);
        return result with { Job = job.Name, User = User.Name, Uid = User.Uid, Duration = TimeProvider.GetElapsedTime(start) };
    }

    /// <summary>Runs a job and returns its output.</summary>
    /// <param name="request">The job to run.</param>
    /// <param name="input">The job's standard input, as for <see cref="RunAsync"/>.</param>
    /// <param name="cancellationToken">Cancels the job, in the same way.</param>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async Task<JobOutput> CaptureAsync(JobRequest request, Stream? input = null, CancellationToken cancellationToken = default)
    {
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        JobResult result = await RunAsync(request, input, output, error, cancellationToken).ConfigureAwait(false);
        return new JobOutput(output.ToArray(), error.ToArray(), result);
    }

    /// <summary>Runs a job with a text as its standard input, in UTF-8, and returns its output.</summary>
    /// <param name="request">The job to run.</param>
    /// <param name="input">The text.</param>
    /// <param name="cancellationToken">Cancels the job.</param>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async Task<JobOutput> CaptureTextAsync(JobRequest request, string input, CancellationToken cancellationToken = default)
    {
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(input));
        return await CaptureAsync(request, stream, cancellationToken).ConfigureAwait(false);
    }

    private string NoSuchJob(string job) =>
        $"there is no job \"{job}\"; the jobs are {string.Join(", ", jobs.Jobs.Select(known => known.Name))}";

    /// <summary>Returns why the daemon would not run the request; null if it would.</summary>
    private JobResult? Refuse(Request request)
    {
        JobResult Refusal(ReplyCode code, string message) => new() { Code = code, Message = message, Job = request.Job };

        if (request.User is { } user && user != User.Name && user != User.Uid.ToString(System.Globalization.CultureInfo.InvariantCulture))
            return Refusal(ReplyCode.Denied, $"jobs run as \"{User.Name}\" here, and as another user only with a daemon");
        if (jobs.Find(request.Job!) is not { } job)
            return Refusal(ReplyCode.UnknownJob, NoSuchJob(request.Job!));
        string[] variables = [.. job.Environment, .. job.UnsafeEnvironment];
        return request.Environment?.Keys.FirstOrDefault(name => !variables.Contains(name)) is { } unknown
            ? Refusal(
                ReplyCode.BadArguments,
                $"the job {job.Name} does not allow the variable \"{unknown}\"; "
                + (variables.Length == 0 ? "it allows none" : $"it allows {string.Join(", ", variables)}"))
            : null;
    }

    private static TimeSpan? TimeLimit(Job job, Request request)
    {
        // A longer one than a registration can have changes nothing.
        TimeSpan? asked = request.Timeout is { } seconds && seconds < MaxSeconds ? TimeSpan.FromSeconds(seconds) : null;
        TimeSpan? registered = job.Timeout > TimeSpan.Zero ? job.Timeout : null;
        return asked is { } first && registered is { } second ? (first < second ? first : second) : asked ?? registered;
    }

    private async Task<JobResult> ExecuteAsync(
        JobExecution execution, Request request, TimeSpan? timeLimit, CancellationToken cancellationToken)
    {
        if (request.Environment is not { Count: > 0 } variables)
            return await execution.RunAsync(timeLimit, KillGrace, cancellationToken).ConfigureAwait(false);

        await EnvironmentGate.WaitAsync(cancellationToken).ConfigureAwait(false);
        var before = variables.Keys.ToDictionary(name => name, Environment.GetEnvironmentVariable);
        try
        {
            foreach ((string name, string value) in variables)
                Environment.SetEnvironmentVariable(name, value);
            return await execution.RunAsync(timeLimit, KillGrace, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach ((string name, string? value) in before)
                Environment.SetEnvironmentVariable(name, value);
            EnvironmentGate.Release();
        }
    }
}
