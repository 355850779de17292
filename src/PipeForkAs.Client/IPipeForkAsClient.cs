namespace PipeForkAs.Client;

/// <summary>
/// Asks the daemon to run jobs: what a program depends on, so that its tests can put another in the place of
/// <see cref="PipeForkAsClient"/>. Typed calls and lines are in <see cref="PipeForkAsClientExtensions"/>.
/// </summary>
public interface IPipeForkAsClient
{
    /// <summary>Runs a job and passes its streams through while it runs. A slow reader slows the job down; nothing piles up here.</summary>
    /// <param name="request">What to run.</param>
    /// <param name="input">
    /// What the job reads, to its end; null for no input. When the job ends first, the client stops reading, and loses what a read that has
    /// already begun returns later: a read on a terminal cannot be cancelled.
    /// </param>
    /// <param name="output">
    /// Takes what the job writes to standard output, flushed at the end if that was anything; null to discard it.
    /// </param>
    /// <param name="error">Takes what the job writes to standard error, flushed in the same way; null to discard it.</param>
    /// <param name="cancellationToken">Closes the connection; the daemon then cancels the job.</param>
    /// <returns>How the job ended, or why the daemon did not run it: any <see cref="ReplyCode"/>.</returns>
    /// <exception cref="RequestException">The request is not valid or longer than 64 KiB; nothing was sent.</exception>
    /// <exception cref="ConnectionException">The client cannot reach the daemon.</exception>
    /// <exception cref="UntrustedDaemonException">A process of another uid than the daemon's listens there; nothing was sent.</exception>
    /// <exception cref="ReplyCutShortException">The connection ended before the end of the reply.</exception>
    /// <exception cref="ProtocolViolationException">The reply is not one of this protocol.</exception>
    /// <exception cref="JobStreamException">One of the three streams failed; the daemon cancels the job.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    Task<JobResult> RunAsync(
        JobRequest request,
        Stream? input = null,
        Stream? output = null,
        Stream? error = null,
        CancellationToken cancellationToken = default);

    /// <summary>Runs a job and keeps what it writes.</summary>
    /// <param name="request">What to run.</param>
    /// <param name="input">What the job reads, as for <see cref="RunAsync"/>.</param>
    /// <param name="limit">The most bytes to keep of standard output, and of standard error: 0 to <see cref="Array.MaxLength"/>.</param>
    /// <param name="cancellationToken">Closes the connection; the daemon then cancels the job.</param>
    /// <returns>Both outputs, and how the job ended or why the daemon did not run it.</returns>
    /// <exception cref="OutputTooLargeException">The job wrote more than <paramref name="limit"/>; the daemon cancels it.</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task<JobOutput> CaptureAsync(
        JobRequest request,
        Stream? input = null,
        int limit = PipeForkAsClient.DefaultCaptureBytes,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Starts a job and returns its standard output as a stream that is read while the job runs. The job waits while nobody reads. The
    /// stream ends only after a job that succeeded: in all other cases a read throws. Disposing the stream cancels a job that still runs.
    /// </summary>
    /// <param name="request">What to run.</param>
    /// <param name="input">What the job reads, as for <see cref="RunAsync"/>.</param>
    /// <param name="error">
    /// Takes what the job writes to standard error; null to keep its end for <see cref="JobFailedException.StderrExcerpt"/>.
    /// </param>
    /// <param name="cancellationToken">
    /// Closes the connection, also later, while the stream is read; the daemon then cancels the job.
    /// </param>
    /// <returns>
    /// A stream for one reader. Its reads throw <see cref="JobFailedException"/> after the last byte of a job that did not succeed, or that
    /// the daemon did not run, and the other exceptions of <see cref="RunAsync"/>. The token of a read cancels that read alone.
    /// </returns>
    /// <exception cref="RequestException">The request is not valid or longer than 64 KiB; nothing was sent.</exception>
    /// <exception cref="ConnectionException">The client cannot reach the daemon.</exception>
    /// <exception cref="UntrustedDaemonException">A process of another uid than the daemon's listens there; nothing was sent.</exception>
    Task<Stream> OpenReadAsync(
        JobRequest request, Stream? input = null, Stream? error = null, CancellationToken cancellationToken = default);

    /// <summary>Lists the jobs that the caller may run.</summary>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The daemon does not answer: it is busy, it is stopping ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task<IReadOnlyList<JobDescription>> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>Describes one job: its kind, the schema of its arguments, its limits.</summary>
    /// <param name="job">The job's name.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The job is unknown, or the caller may not know of it ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task<JobDescription> DescribeAsync(string job, CancellationToken cancellationToken = default);

    /// <summary>Decides whether the daemon would run a request, and as which user, without running it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="caller">The caller to decide for, a user name or a uid in digits; for root alone. Default: the calling user.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The job or the user is unknown, the arguments do not fit the job ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task<CheckResult> CheckAsync(JobRequest request, string? caller = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Gets the daemon's status: running jobs and counters. Callers other than root see their own jobs, and no job hosts.
    /// </summary>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The daemon does not answer: it is busy, it is stopping ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task<DaemonStatus> StatusAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Cancels a job as if its client had gone away: SIGTERM, a grace, SIGKILL. Returns at once; the job may run on for that grace.
    /// </summary>
    /// <param name="id">The job's <see cref="RunningJobStatus.Id"/>, 1 or over.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The caller has no running job of that id; root may cancel those of others too.</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task CancelAsync(long id, CancellationToken cancellationToken = default);
}
