namespace PipeForkAs.Daemon.Configuration;

/// <summary>
/// The whole configuration: <c>/etc/pipeforkas/pipeforkas.json</c> and what overrides it. Every default is a working one.
/// </summary>
internal sealed class DaemonOptions
{
    /// <summary>Where the daemon listens.</summary>
    public SocketOptions Socket { get; set; } = new();

    /// <summary>The executables that hold jobs.</summary>
    public IList<JobHostOptions> JobHosts { get; set; } = [];

    /// <summary>Programs as jobs, by the job's name.</summary>
    public IDictionary<string, CommandOptions> Commands { get; set; } = new Dictionary<string, CommandOptions>(StringComparer.Ordinal);

    /// <summary>What is restricted about jobs, functions and commands, by the job's name.</summary>
    public IDictionary<string, JobRestrictionOptions> Jobs { get; set; } = new Dictionary<string,
        JobRestrictionOptions>(StringComparer.Ordinal);

    /// <summary>Who may run what as whom.</summary>
    public PolicyOptions Policy { get; set; } = new();

    /// <summary>What is limited.</summary>
    public LimitOptions Limits { get; set; } = new();

    /// <summary>Where records of requests are kept.</summary>
    public AuditOptions Audit { get; set; } = new();

    /// <summary>Where the keys stand; not itself a part of the configuration.</summary>
    internal ConfigurationSources Sources { get; set; } = ConfigurationSources.None;
}

/// <summary>Where the daemon listens.</summary>
internal sealed class SocketOptions
{
    /// <summary>An absolute path of 1 to 107 bytes.</summary>
    public string Path { get; set; } = Protocol.Client.ClientProtocol.DefaultSocketPath;

    /// <summary>The socket file's permissions in octal digits: who may connect. The policy decides what a caller may do.</summary>
    public string Mode { get; set; } = "0666";

    /// <summary>
    /// Who keeps out descriptors that clients and jobs send along: <see cref="Auto"/>, the kernel where it can (Linux 6.16), or
    /// <see cref="ByDaemon"/>, the daemon also there, as on older kernels.
    /// </summary>
    public string DescriptorCheck { get; set; } = Auto;

    /// <summary>A value of <see cref="DescriptorCheck"/>.</summary>
    public const string Auto = "auto", ByDaemon = "daemon";
}

/// <summary>An executable that holds jobs.</summary>
internal sealed class JobHostOptions
{
    /// <summary>The stock jobs' executable.</summary>
    public const string StockPath = "/usr/libexec/pipeforkas/pipeforkas-jobs";

    /// <summary>An absolute path. The file must be root's and closed to the writing of others, and so must every folder above it.</summary>
    public string Path { get; set; } = StockPath;

    /// <summary>How many forked workers wait for requests at least, 0 to 256; 0 forks on demand.</summary>
    public int Workers { get; set; } = 4;

    /// <summary>
    /// How many wait at most, from <see cref="Workers"/> to 256: requests that find none make it more, and what is not needed for some
    /// seconds makes it less. Null for the default.
    /// </summary>
    public int? MaxWorkers { get; set; }

    /// <summary>
    /// How many wait at most. Where <see cref="MaxWorkers"/> does not say: 16, or <see cref="Workers"/> where that is more or 0.
    /// </summary>
    public int MostWorkers => MaxWorkers ?? (Workers == 0 ? 0 : Math.Max(Workers, 16));

    /// <summary>How many processes of it fork, 1 to 64. A second one forks while the first one does, and takes some MB.</summary>
    public int Processes { get; set; } = 1;
}

/// <summary>A program as a job.</summary>
internal sealed class CommandOptions : JobRestrictionOptions
{
    /// <summary>What it does, in one line.</summary>
    public string Description { get; set; } = "";

    /// <summary>
    /// The program's absolute path and its arguments. <c>{NAME}</c> is replaced by the parameter's value, as a word of its own or after a
    /// fixed beginning; no shell is involved.
    /// </summary>
    public IList<string> Command { get; set; } = [];

    /// <summary>The parameters by their names.</summary>
    public IDictionary<string, ParameterOptions> Parameters { get; set; } = new Dictionary<string,
        ParameterOptions>(StringComparer.Ordinal);

    /// <summary>Environment variables that a client may set.</summary>
    public IList<string> Env { get; set; } = [];

    /// <summary>The same for those that change which code common programs run, which <see cref="Env"/> does not take.</summary>
    public IList<string> UnsafeEnv { get; set; } = [];
}

/// <summary>A parameter of a command.</summary>
internal sealed class ParameterOptions
{
    /// <summary><c>string</c>, <c>integer</c>, <c>number</c> or <c>boolean</c>.</summary>
    public string Type { get; set; } = "string";

    /// <summary>What it means, in one line.</summary>
    public string Description { get; set; } = "";

    /// <summary>A regular expression that the whole value of a string must match; null for any string without NUL.</summary>
    public string? Pattern { get; set; }

    /// <summary>
    /// The longest value of a string in bytes of UTF-8, 1 to 65,536; null for 4,096 where there is a <see cref="Pattern"/>.
    /// </summary>
    public int? MaxLength { get; set; }

    /// <summary>The value where a request gives none, of the parameter's type and pattern; without it the parameter is required.</summary>
    public string? Default { get; set; }

    /// <summary>
    /// Whether a value may begin with '-', as a negative number does, where no word <c>--</c> stands before it in the command. A program
    /// takes such a word for an option.
    /// </summary>
    public bool AllowLeadingDash { get; set; }
}

/// <summary>What is limited.</summary>
internal sealed class LimitOptions
{
    /// <summary>
    /// Connections at once, 1 to 100,000. One more ends the oldest one that has not sent its request, of the uid with the most of those,
    /// with <c>busy</c>; where there is none, it is refused itself.
    /// </summary>
    public int MaxConnections { get; set; } = 4096;

    /// <summary>
    /// Connections of one uid at once, 1 to 100,000; all uids without an account count as one, here and below. More are refused with
    /// <c>busy</c>.
    /// </summary>
    public int MaxConnectionsPerUid { get; set; } = 1024;

    /// <summary>
    /// Connections of one uid that are read at once, until they have sent their request, 1 to 100,000. More wait unread, for
    /// <see cref="RequestTimeout"/>.
    /// </summary>
    public int MaxReceivingPerUid { get; set; } = 64;

    /// <summary>
    /// Connections, and jobs, that root may have beyond <see cref="MaxConnections"/> and <see cref="MaxJobs"/>, 0 to 1,000: an
    /// administrator gets in.
    /// </summary>
    public int RootReserve { get; set; } = 16;

    /// <summary>How long a client may take to send its request, and a request may wait for a worker: 0.1 s to 10 minutes.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the user database may take to answer: 0.1 s to 10 minutes.</summary>
    public TimeSpan LookupTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long an answer of the user database is used again, zero to an hour; a change of /etc/passwd or /etc/group ends it at once.
    /// </summary>
    public TimeSpan LookupCacheTime { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Jobs that run at once, 1 to 10,000. More wait, and are refused with <c>busy</c> in the end.</summary>
    public int MaxJobs { get; set; } = 256;

    /// <summary>Jobs of one caller's uid that run at once, 1 to 10,000.</summary>
    public int MaxJobsPerUid { get; set; } = 64;

    /// <summary>
    /// Requests that wait for one of these to end, 0 to 100,000; of one caller's uid at most <see cref="MaxJobsPerUid"/>.
    /// </summary>
    public int MaxQueued { get; set; } = 256;

    /// <summary>How long they wait: 0.1 s to 10 minutes.</summary>
    public TimeSpan QueueTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Bytes that a job may write to its outputs together, 0 or more; null for no limit. It is ended at more, with <c>output-limit</c>.
    /// </summary>
    public long? OutputLimit { get; set; }

    /// <summary>How long a job may run: 0.1 s to a day.</summary>
    public TimeSpan JobTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The time from SIGTERM to SIGKILL: zero to 10 minutes. Descendants that hold an output open have at most the same.</summary>
    public TimeSpan KillGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long descendants that hold an output open, after the job's function or program has ended, may write nothing until they are
    /// killed: zero to 10 minutes.
    /// </summary>
    public TimeSpan OrphanGrace { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How long jobs may run on when the daemon is told to stop: zero to an hour. A job that waits for input which its client does not send
    /// does not have that time.
    /// </summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether each job has a control group: <c>auto</c> where the service manager delegates one to the daemon, <c>required</c>
    /// everywhere, or the daemon does not start, <c>off</c>.
    /// </summary>
    public string Cgroup { get; set; } = "auto";

    /// <summary>What each worker is limited to.</summary>
    public WorkerLimitOptions Worker { get; set; } = new();
}

/// <summary>What each worker is limited to; getrlimit(2), cgroups(7).</summary>
internal sealed class WorkerLimitOptions
{
    /// <summary>
    /// Bytes of memory of the whole job, 16 MiB or more; null for no limit. Where no control group counts it: of private writable memory
    /// of each of its processes.
    /// </summary>
    public long? MemoryMax { get; set; }

    /// <summary>
    /// Processes and threads of the whole job, 1 to 4,194,304; null for no limit. Where no control group counts them: of the user,
    /// whatever started them.
    /// </summary>
    public long? PidsMax { get; set; } = 512;

    /// <summary>
    /// The job's share of the processors where there are not enough, 1 to 10,000; null for 100. Only where a control group has the
    /// controller.
    /// </summary>
    public int? CpuWeight { get; set; }

    /// <summary>Open descriptors, 16 to 1,048,576.</summary>
    public long OpenFiles { get; set; } = 1024;

    /// <summary>Seconds of processor time, 1 or more; null for no limit.</summary>
    public long? CpuSeconds { get; set; }

    /// <summary>The largest file that it may write, in bytes, 0 or more; null for no limit.</summary>
    public long? FileSize { get; set; }

    /// <summary>
    /// The largest core file, in bytes, 0 or more; null for no limit. A core file holds what the job held, where others may find it.
    /// </summary>
    public long? CoreSize { get; set; } = 0;

    /// <summary>Its umask in octal digits.</summary>
    public string Umask { get; set; } = "0077";

    /// <summary>Its nice value, -20 to 19.</summary>
    public int Nice { get; set; }

    /// <summary>What the kernel adds to its badness when memory runs out, -1000 to 1000; proc(5).</summary>
    public int OomScoreAdj { get; set; }
}
