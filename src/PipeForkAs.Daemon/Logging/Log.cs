using Microsoft.Extensions.Logging;

namespace PipeForkAs.Daemon.Logging;

/// <summary>All log messages of the daemon.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "listening on {Path}; {Jobs} jobs")]
    public static partial void Listening(ILogger logger, string path, int jobs);

    [LoggerMessage(2, LogLevel.Information, "stopping: waiting up to {Seconds} s for {Requests}")]
    public static partial void Draining(ILogger logger, double seconds, string requests);

    [LoggerMessage(53, LogLevel.Information, "stopping: still waiting for {Requests}")]
    public static partial void DrainWaits(ILogger logger, string requests);

    [LoggerMessage(54, LogLevel.Information,
        "stopping: cancelling jobs that wait for input which their clients do not send: {Jobs}")]
    public static partial void DrainEndsSilent(ILogger logger, string jobs);

    [LoggerMessage(3, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(
        4, LogLevel.Warning, "{Wanted} descriptors may be needed, {Allowed} are allowed; raise LimitNOFILE or lower Limits:MaxConnections")]
    public static partial void FewDescriptors(ILogger logger, ulong wanted, ulong allowed);

    [LoggerMessage(5, LogLevel.Critical, "the event loop failed; the daemon exits")]
    public static partial void LoopDied(ILogger logger, Exception failure);

    [LoggerMessage(
        6, LogLevel.Warning,
        "systemd passed the socket {Path}, so Socket:Path {Configured} is ignored; change ListenStream= or Socket:Path")]
    public static partial void OtherPath(ILogger logger, string path, string configured);

    [LoggerMessage(
        7, LogLevel.Warning,
        "systemd passed the socket {Path} with the permissions {Mode}, so Socket:Mode {Configured} is ignored; change SocketMode= or "
        + "Socket:Mode")]
    public static partial void OtherMode(ILogger logger, string path, string mode, string configured);

    [LoggerMessage(8, LogLevel.Warning, "users other than root can replace the socket {Path}, which systemd passed: {Problem}")]
    public static partial void OpenFolder(ILogger logger, string path, string problem);

    [LoggerMessage(10, LogLevel.Information, "job host {Path} is ready: process {Pid}, {Jobs} jobs")]
    public static partial void JobHostReady(ILogger logger, string path, int pid, int jobs);

    [LoggerMessage(11, LogLevel.Error, "job host {Path} is lost: {Reason}; it will be restarted in {Seconds} s")]
    public static partial void JobHostLost(ILogger logger, string path, string reason, double seconds);

    [LoggerMessage(20, LogLevel.Error, "{Refusal}; it will be restarted on the next request")]
    public static partial void JobHostGone(ILogger logger, string refusal);

    [LoggerMessage(50, LogLevel.Information,
        "job host {Path} (process {Pids}) serves no new requests; it exits after the last of its {Uses} requests")]
    public static partial void JobHostReplaced(ILogger logger, string path, string pids, int uses);

    [LoggerMessage(51, LogLevel.Information, "a replaced job host {Path} has exited after its last request")]
    public static partial void JobHostEnded(ILogger logger, string path);

    [LoggerMessage(52, LogLevel.Error, "a replaced job host {Path} is lost with its jobs: {Reason}")]
    public static partial void FormerJobHostLost(ILogger logger, string path, string reason);

    [LoggerMessage(12, LogLevel.Error, "job host {Path} cannot fork: {Reason}")]
    public static partial void ForkFailed(ILogger logger, string path, string reason);

    [LoggerMessage(13, LogLevel.Error, "job host {Path}: the waiting worker {Pid} ended: {Reason}")]
    public static partial void IdleWorkerEnded(ILogger logger, string path, int pid, string reason);

    [LoggerMessage(14, LogLevel.Error, "the jobs of a restarted job host were not registered: {Reason}")]
    public static partial void CatalogRefused(ILogger logger, string reason);

    [LoggerMessage(15, LogLevel.Information, "each job has a control group below {Path}; controllers: {Controllers}")]
    public static partial void CgroupsUsed(ILogger logger, string path, string controllers);

    [LoggerMessage(16, LogLevel.Warning, "no control groups: {Reason}; leftover processes of a job are found by scanning /proc")]
    public static partial void NoCgroups(ILogger logger, string reason);

    [LoggerMessage(17, LogLevel.Error, "the job {Job} cannot be killed: {Living} are still alive; {Count} such jobs now")]
    public static partial void JobUnkillable(ILogger logger, string job, string living, int count);

    [LoggerMessage(18, LogLevel.Information, "the last processes of the job {Job} have ended; {Count} jobs that cannot be killed remain")]
    public static partial void UnkillableEnded(ILogger logger, string job, int count);

    [LoggerMessage(19, LogLevel.Error, "the processes of the job {Job} could not be killed, the daemon tries again: {Problem}")]
    public static partial void KillFailed(ILogger logger, string job, string problem);

    [LoggerMessage(22, LogLevel.Error, "a request failed in the daemon itself")]
    public static partial void RequestBroke(ILogger logger, Exception failure);

    [LoggerMessage(23, LogLevel.Error, "a callback of the event loop failed")]
    public static partial void LoopBroke(ILogger logger, Exception failure);

    [LoggerMessage(24, LogLevel.Error, "a worker failed to become {User}: {Message}")]
    public static partial void WorkerFailed(ILogger logger, string user, string message);

    [LoggerMessage(25, LogLevel.Warning, "no connection can be accepted now: {Error}")]
    public static partial void AcceptFailed(ILogger logger, string error);

    [LoggerMessage(26, LogLevel.Error, "the audit file {File} cannot be written: {Error}; {Consequence}")]
    public static partial void AuditFileFailed(ILogger logger, string file, string error, string consequence);

    [LoggerMessage(27, LogLevel.Warning, "the audit file {File} is written again; {Lost} records are missing in it")]
    public static partial void AuditFileWorks(ILogger logger, string file, long lost);

    [LoggerMessage(28, LogLevel.Error, "the audit file could not be reopened, so the former file stays in use: {Problem}")]
    public static partial void AuditFileNotReopened(ILogger logger, string problem);

    [LoggerMessage(29, LogLevel.Error, "the audit file {File} could not be written before the stop; {Left} records are only in the log")]
    public static partial void AuditRecordsLeft(ILogger logger, string file, int left);

    [LoggerMessage(30, LogLevel.Information, "configuration reloaded; changed: {Keys}")]
    public static partial void Reloaded(ILogger logger, string keys);

    [LoggerMessage(31, LogLevel.Error, "configuration not reloaded, the former one still applies: {Problem}")]
    public static partial void ReloadRefused(ILogger logger, string problem);

    /// <summary>Logs each problem of a rejected reload.</summary>
    public static void EachReloadProblem(ILogger logger, IReadOnlyList<string> problems)
    {
        foreach (string problem in problems)
            ReloadRefused(logger, problem);
    }

    [LoggerMessage(32, LogLevel.Warning, "systemd could not be notified of {State}: {Problem}")]
    public static partial void NotifyFailed(ILogger logger, string state, string problem);

    [LoggerMessage(33, LogLevel.Warning, "policy warning: {Doubt}")]
    public static partial void PolicyDoubted(ILogger logger, string doubt);

    [LoggerMessage(
        35, LogLevel.Error,
        "the process that closes sockets cannot be started: {Problem}; {Waiting} sockets wait, the daemon tries again")]
    public static partial void ReleaserFailed(ILogger logger, string problem, int waiting);

    [LoggerMessage(34, LogLevel.Warning, "a turn of the event loop took {Milliseconds:0} ms ({OnProcessor:0} ms of them on a processor, "
        + "{Collections} garbage collections, {Steps} steps); its longest step took {StepMilliseconds:0} ms: {Step}; "
        + "{Unreported} more long turns since the last message")]
    public static partial void LongTurn(
        ILogger logger, double milliseconds, double onProcessor, int collections, int steps, double stepMilliseconds, string step,
        int unreported);

    [LoggerMessage(36, LogLevel.Warning, "{Count} more lines of event {Name} were suppressed; the limit is {PerMinute} per minute")]
    public static partial void LinesSuppressed(ILogger logger, long count, string name, int perMinute);

    [LoggerMessage(37, LogLevel.Warning,
        "{Origin}: the patterns of a request ran out of steps before {Pattern} matched {Length} characters; it counts as no match")]
    public static partial void PatternExhausted(ILogger logger, string origin, string pattern, int length);

    [LoggerMessage(
        38, LogLevel.Warning, "jobs in sandboxes can signal other processes of their user: Landlock has version {Version}, not {Needed}")]
    public static partial void SandboxesLeaveSignals(ILogger logger, int version, int needed);

    [LoggerMessage(39, LogLevel.Information,
        "the longest turn of the event loop took {Milliseconds:0.0} ms ({OnProcessor:0.0} ms of them on a processor); its longest step: "
        + "{Step}")]
    public static partial void LongestTurn(ILogger logger, double milliseconds, double onProcessor, string step);

    [LoggerMessage(40, LogLevel.Warning,
        "{Whose}: system calls on its sockets took {Milliseconds:0} ms of processor time, for example because of millions "
        + "of epoll watches at the other end; "
        + "the daemon closes its connections, kills its jobs, and does not serve it for {Seconds:0} s")]
    public static partial void CallsTookLong(ILogger logger, string whose, double milliseconds, double seconds);

    [LoggerMessage(41, LogLevel.Warning,
        "{Whose}: a descriptor that it sent cannot be closed, for example a pipe whose lock is held; "
        + "the daemon closes its connections, kills its jobs, and does not serve it until the helper that closes the descriptor has ended")]
    public static partial void ClosingHangs(ILogger logger, string whose);

    [LoggerMessage(70, LogLevel.Information, "{Executable} was replaced; a new daemon starts, and takes over when it is ready")]
    public static partial void Upgrading(ILogger logger, string executable);

    [LoggerMessage(71, LogLevel.Information,
        "the new daemon, process {Pid}, serves now; this one exits after its last job, at most {Seconds:0.#} s from now "
        + "({Connections} clients)")]
    public static partial void HandedOver(ILogger logger, int pid, double seconds, int connections);

    [LoggerMessage(72, LogLevel.Error, "the new daemon, process {Pid}, has ended; systemd decides whether to restart the service")]
    public static partial void SuccessorDied(ILogger logger, int pid);

    [LoggerMessage(
        73, LogLevel.Information,
        "this daemon took over from process {Pid}, which exits after its last job; job ids continue at {FirstJob}")]
    public static partial void TookOver(ILogger logger, int pid, long firstJob);

    [LoggerMessage(74, LogLevel.Information, "the former daemon has ended")]
    public static partial void PredecessorEnded(ILogger logger);

    [LoggerMessage(75, LogLevel.Warning,
        "{Executable} was replaced, but a new daemon cannot take over without {Lack}; restart the daemon")]
    public static partial void UpgradeImpossible(ILogger logger, string executable, string lack);

    [LoggerMessage(
        42, LogLevel.Warning,
        "{Count} sockets could not be passed to another process; the daemon closes them when it exits, which can take long")]
    public static partial void SocketsLeft(ILogger logger, int count);

    [LoggerMessage(60, LogLevel.Warning, "{Problem}")]
    public static partial void NameUnresolved(ILogger logger, string problem);

    [LoggerMessage(61, LogLevel.Information, "{Name} has the id {Id} now; the rules that name it apply from now on")]
    public static partial void NameResolved(ILogger logger, string name, uint id);
}
