namespace PipeForkAs.Client;

/// <summary>Requests jobs from the daemon. A program depends on this interface, so that its tests can replace
/// <see cref="PipeForkAsClient"/>. <see cref="PipeForkAsClientExtensions"/> has typed calls and lines.
/// </summary>
public interface IPipeForkAsClient
{
    /// <summary>Runs a job and passes its streams through while it runs. A slow reader slows the job down; the client does not buffer more.
    /// </summary>
    /// <param name="request">The job to run.</param>
    /// <param name="input">
    /// The job's standard input, read to its end; null for no input. If the job ends first, the client stops reading, and loses the data of
    /// a read that has already begun: a read on a terminal cannot be cancelled.
    /// </param>
    /// <param name="output">Receives the job's standard output, flushed at the end if the job wrote any; null to discard it.</param>
    /// <param name="error">Receives the job's standard error, flushed in the same way; null to discard it.</param>
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

    /// <summary>Runs a job and returns its output.</summary>
    /// <param name="request">The job to run.</param>
    /// <param name="input">The job's standard input, as for <see cref="RunAsync"/>.</param>
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

    /// <summary>Starts a job and returns its standard output as a stream, which the caller reads while the job runs. The job waits while
    /// the caller does not read. The stream ends only after a job that succeeded; in all other cases a read throws. Disposing the stream
    /// cancels a running job.
    /// </summary>
    /// <param name="request">The job to run.</param>
    /// <param name="input">The job's standard input, as for <see cref="RunAsync"/>.</param>
    /// <param name="error">
    /// Receives the job's standard error; null to keep its end for <see cref="JobFailedException.StderrExcerpt"/>.
    /// </param>
    /// <param name="cancellationToken">
    /// Closes the connection, also later, while the caller reads the stream; the daemon then cancels the job.
    /// </param>
    /// <returns>
    /// A stream for one reader. A read throws <see cref="JobFailedException"/> after the last byte of a job that did not succeed, or that
    /// the daemon did not run, or one of the other exceptions of <see cref="RunAsync"/>. The token of a read cancels only that read.
    /// </returns>
    /// <exception cref="RequestException">The request is not valid or longer than 64 KiB; nothing was sent.</exception>
    /// <exception cref="ConnectionException">The client cannot reach the daemon.</exception>
    /// <exception cref="UntrustedDaemonException">A process of another uid than the daemon's listens there; nothing was sent.</exception>
    Task<Stream> OpenReadAsync(
        JobRequest request, Stream? input = null, Stream? error = null, CancellationToken cancellationToken = default);

    /// <summary>Lists the jobs that the caller may run.</summary>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The daemon refuses the request: it is busy, it is stopping ...</exception>
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
    /// <param name="caller">The caller to decide for, as a user name or a uid in digits; only for root. Default: the calling user.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The job or the user is unknown, the arguments do not fit the job ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task<CheckResult> CheckAsync(JobRequest request, string? caller = null, CancellationToken cancellationToken = default);

    /// <summary>Gets the daemon's status: running jobs and counters. Callers other than root see their own jobs, and no job hosts.
    /// </summary>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The daemon refuses the request: it is busy, it is stopping ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task<DaemonStatus> StatusAsync(CancellationToken cancellationToken = default);

    /// <summary>Cancels a job as if its client had disconnected: SIGTERM, a grace period, SIGKILL. Returns at once; the job may run on for
    /// the grace period.
    /// </summary>
    /// <param name="id">The job's <see cref="RunningJobStatus.Id"/>, 1 or more.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">
    /// The caller has no running job with this id; root may cancel the jobs of other callers too.
    /// </exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task CancelAsync(long id, CancellationToken cancellationToken = default);

    /// <summary>Proves to the daemon, by the user's password, that the user is there. The daemon asks PAM.</summary>
    /// <param name="user">The user's name.</param>
    /// <param name="password">
    /// The password, at most 1,024 bytes; one newline at its end is not a part of it. The caller clears it after the call.
    /// </param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <returns>A ticket for <see cref="JobRequest.Ticket"/>: this caller's, for this user.</returns>
    /// <exception cref="RequestRefusedException">
    /// <see cref="ReplyCode.Denied"/>: the name or the password is wrong, the account cannot be used, or this caller may not sign users in;
    /// <see cref="ReplyCode.Busy"/>: after too many failures, with the time to wait ...
    /// </exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task<SignInTicket> SignInAsync(string user, ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default);

    /// <summary>Ends a ticket. Returns also if the ticket is not valid, or is no longer valid.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The daemon refuses the request: it is busy, it is stopping ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    Task SignOutAsync(string ticket, CancellationToken cancellationToken = default);
}
