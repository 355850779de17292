namespace PipeForkAs.Daemon.Configuration;

/// <summary>The whole configuration: <c>/etc/pipeforkas/pipeforkas.json</c> and what overrides it. Every default works.</summary>
internal sealed class DaemonOptions
{
    /// <summary>The socket on which the daemon listens.</summary>
    public SocketOptions Socket { get; set; } = new();

    /// <summary>The executables that contain jobs.</summary>
    public IList<JobHostOptions> JobHosts { get; set; } = [];

    /// <summary>Programs as jobs, by the name of the job.</summary>
    public IDictionary<string, CommandOptions> Commands { get; set; } = new Dictionary<string, CommandOptions>(StringComparer.Ordinal);

    /// <summary>Restrictions of jobs, for functions and commands, by the name of the job.</summary>
    public IDictionary<string, JobRestrictionOptions> Jobs { get; set; } = new Dictionary<string,
        JobRestrictionOptions>(StringComparer.Ordinal);

    /// <summary>Which caller may run which job as which user.</summary>
    public PolicyOptions Policy { get; set; } = new();

    /// <summary>The limits.</summary>
    public LimitOptions Limits { get; set; } = new();

    /// <summary>Where the daemon writes records of requests.</summary>
    public AuditOptions Audit { get; set; } = new();

    /// <summary>The files that contain the keys; not itself a part of the configuration.</summary>
    internal ConfigurationSources Sources { get; set; } = ConfigurationSources.None;
}

/// <summary>The socket on which the daemon listens.</summary>
internal sealed class SocketOptions
{
    /// <summary>An absolute path of 1 to 107 bytes.</summary>
    public string Path { get; set; } = Protocol.Client.ClientProtocol.DefaultSocketPath;

    /// <summary>
    /// The permissions of the socket file in octal digits: which users can connect. The policy decides what a caller may do.
    /// </summary>
    public string Mode { get; set; } = "0666";

    /// <summary>
    /// Which side keeps out descriptors that clients and jobs send: with <see cref="Auto"/>, the kernel if it can (Linux 6.16); with
    /// <see cref="ByDaemon"/>, always the daemon, as on older kernels.
    /// </summary>
    public string DescriptorCheck { get; set; } = Auto;

    /// <summary>A value of <see cref="DescriptorCheck"/>.</summary>
    public const string Auto = "auto", ByDaemon = "daemon";
}

/// <summary>An executable that contains jobs.</summary>
internal sealed class JobHostOptions
{
    /// <summary>The executable of the stock jobs.</summary>
    public const string StockPath = "/usr/libexec/pipeforkas/pipeforkas-jobs";

    /// <summary>
    /// An absolute path. Root must own the file and every folder above it, and no other user may have write permission on them.
    /// </summary>
    public string Path { get; set; } = StockPath;

    /// <summary>The minimum number of ready workers, forked in advance, 0 to 256; 0 forks on demand.</summary>
    public int Workers { get; set; } = 4;

    /// <summary>
    /// The maximum number of ready workers, from <see cref="Workers"/> to 256. A request that finds no worker raises the number, and
    /// workers that are not needed for some seconds lower it. Null for the default.
    /// </summary>
    public int? MaxWorkers { get; set; }

    /// <summary>
    /// The maximum number of ready workers. If <see cref="MaxWorkers"/> is null: 16, or <see cref="Workers"/> if that is 0 or more than
    /// 16.
    /// </summary>
    public int MostWorkers => MaxWorkers ?? (Workers == 0 ? 0 : Math.Max(Workers, 16));

    /// <summary>
    /// The number of its processes that fork, 1 to 64. A second process can fork while the first one forks, and takes some MB.
    /// </summary>
    public int Processes { get; set; } = 1;
}

/// <summary>A program as a job.</summary>
internal sealed class CommandOptions : JobRestrictionOptions
{
    /// <summary>What the program does, in one line.</summary>
    public string Description { get; set; } = "";

    /// <summary>
    /// The program's absolute path and its arguments. The value of a parameter replaces <c>{NAME}</c>, as a separate word or after a fixed
    /// beginning; no shell is involved.
    /// </summary>
    public IList<string> Command { get; set; } = [];

    /// <summary>The parameters by their names.</summary>
    public IDictionary<string, ParameterOptions> Parameters { get; set; } = new Dictionary<string,
        ParameterOptions>(StringComparer.Ordinal);

    /// <summary>Environment variables that a client may set.</summary>
    public IList<string> Env { get; set; } = [];

    /// <summary>
    /// Environment variables that a client may set although they change which code common programs run; <see cref="Env"/> rejects these.
    /// </summary>
    public IList<string> UnsafeEnv { get; set; } = [];
}

/// <summary>A parameter of a command.</summary>
internal sealed class ParameterOptions
{
    /// <summary><c>string</c>, <c>integer</c>, <c>number</c> or <c>boolean</c>.</summary>
    public string Type { get; set; } = "string";

    /// <summary>The meaning of the parameter, in one line.</summary>
    public string Description { get; set; } = "";

    /// <summary>A regular expression that the whole value of a string must match; null for any string without NUL.</summary>
    public string? Pattern { get; set; }

    /// <summary>The longest value of a string in bytes of UTF-8, 1 to 65,536; null for 4,096 if there is a <see cref="Pattern"/>.</summary>
    public int? MaxLength { get; set; }

    /// <summary>
    /// The value if a request gives none; it must match the type and pattern of the parameter. Without a default the parameter is required.
    /// </summary>
    public string? Default { get; set; }

    /// <summary>
    /// Whether a value may begin with '-', for example a negative number, if the command has no word <c>--</c> before it. A program reads
    /// such a word as an option.
    /// </summary>
    public bool AllowLeadingDash { get; set; }
}

/// <summary>The limits.</summary>
internal sealed class LimitOptions
{
    /// <summary>
    /// The maximum number of connections, 1 to 100,000. When this is exceeded, the daemon ends, with <c>busy</c>, the oldest connection
    /// without a complete request, of the uid with the most of those; if there is none, it refuses the new connection.
    /// </summary>
    public int MaxConnections { get; set; } = 4096;

    /// <summary>
    /// The maximum number of connections of one uid, 1 to 100,000; all uids without an account count as one, here and below. The daemon
    /// refuses more with <c>busy</c>.
    /// </summary>
    public int MaxConnectionsPerUid { get; set; } = 1024;

    /// <summary>
    /// The maximum number of connections of one uid from which the daemon reads requests at once, 1 to 100,000. More connections wait
    /// unread, for <see cref="RequestTimeout"/>.
    /// </summary>
    public int MaxReceivingPerUid { get; set; } = 64;

    /// <summary>
    /// Connections, and jobs, that root can have beyond <see cref="MaxConnections"/> and <see cref="MaxJobs"/>, 0 to 1,000, so that an
    /// administrator can always connect.
    /// </summary>
    public int RootReserve { get; set; } = 16;

    /// <summary>
    /// How long a client can take to send its request, and how long a request can wait for a worker: 0.1 s to 10 minutes.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the user database can take to answer: 0.1 s to 10 minutes.</summary>
    public TimeSpan LookupTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the daemon uses an answer of the user database again, zero to one hour; a change of /etc/passwd or /etc/group ends that at
    /// once.
    /// </summary>
    public TimeSpan LookupCacheTime { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The maximum number of running jobs, 1 to 10,000. More requests are queued, and refused with <c>busy</c> after
    /// <see cref="QueueTimeout"/>.
    /// </summary>
    public int MaxJobs { get; set; } = 256;

    /// <summary>The maximum number of running jobs of one caller's uid, 1 to 10,000.</summary>
    public int MaxJobsPerUid { get; set; } = 64;

    /// <summary>
    /// The maximum number of requests that are queued until a running job ends, 0 to 100,000; of one caller's uid at most
    /// <see cref="MaxJobsPerUid"/>.
    /// </summary>
    public int MaxQueued { get; set; } = 256;

    /// <summary>How long requests are queued: 0.1 s to 10 minutes.</summary>
    public TimeSpan QueueTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Bytes that a job can write to its outputs together, 0 or more; null for no limit. The daemon kills a job that exceeds the limit,
    /// with <c>output-limit</c>.
    /// </summary>
    public long? OutputLimit { get; set; }

    /// <summary>How long a job can run: 0.1 s to one day.</summary>
    public TimeSpan JobTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The time from SIGTERM to SIGKILL: zero to 10 minutes. Descendants that keep an output open have at most the same time.
    /// </summary>
    public TimeSpan KillGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long descendants that keep an output open, after the job's function or program has ended, can write nothing before the daemon
    /// kills them: zero to 10 minutes.
    /// </summary>
    public TimeSpan OrphanGrace { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How long jobs can continue to run when the daemon stops: zero to one hour. A job that waits for input that its client does not send
    /// does not get that time.
    /// </summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether each job has a control group: <c>auto</c> if systemd delegates one to the daemon; <c>required</c> always, otherwise the
    /// daemon does not start; <c>off</c> never.
    /// </summary>
    public string Cgroup { get; set; } = "auto";

    /// <summary>The limits of each worker.</summary>
    public WorkerLimitOptions Worker { get; set; } = new();
}

/// <summary>The limits of each worker; getrlimit(2), cgroups(7).</summary>
internal sealed class WorkerLimitOptions
{
    /// <summary>
    /// Bytes of memory of the whole job, 16 MiB or more; null for no limit. Without a control group: bytes of private writable memory of
    /// each of its processes.
    /// </summary>
    public long? MemoryMax { get; set; }

    /// <summary>
    /// Processes and threads of the whole job, 1 to 4,194,304; null for no limit. Without a control group: processes and threads of the
    /// user, including those that the job did not start.
    /// </summary>
    public long? PidsMax { get; set; } = 512;

    /// <summary>
    /// The job's share of processor time when processors are scarce, 1 to 10,000; null for 100. Only if a control group has the controller.
    /// </summary>
    public int? CpuWeight { get; set; }

    /// <summary>Open descriptors, 16 to 1,048,576.</summary>
    public long OpenFiles { get; set; } = 1024;

    /// <summary>Seconds of processor time, 1 or more; null for no limit.</summary>
    public long? CpuSeconds { get; set; }

    /// <summary>The largest file that the job can write, in bytes, 0 or more; null for no limit.</summary>
    public long? FileSize { get; set; }

    /// <summary>
    /// The largest core file, in bytes, 0 or more; null for no limit. A core file contains the job's memory, in a place where other users
    /// might read it.
    /// </summary>
    public long? CoreSize { get; set; } = 0;

    /// <summary>The umask in octal digits.</summary>
    public string Umask { get; set; } = "0077";

    /// <summary>The nice value, -20 to 19.</summary>
    public int Nice { get; set; }

    /// <summary>The value that the kernel adds to the badness of the process when memory runs out, -1000 to 1000; proc(5).</summary>
    public int OomScoreAdj { get; set; }
}
