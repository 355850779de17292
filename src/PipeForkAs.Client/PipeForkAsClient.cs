using System.Text.Json;

using PipeForkAs.Client.Exchanges;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>
/// Asks the daemon to run jobs. Each call is one connection; an instance holds none, may be kept for ever and be used by
/// several threads at once.
/// </summary>
/// <example>
/// <code>
/// var client = new PipeForkAsClient();
/// JobOutput id = await client.CaptureAsync(new Request { Job = "id", User = "alice" });
/// Console.Write(id.StdoutText);
/// </code>
/// </example>
public sealed class PipeForkAsClient
{
    /// <summary>What <see cref="CaptureAsync"/> keeps of each output unless told otherwise: 16 MiB.</summary>
    public const int DefaultCaptureBytes = 16 * 1024 * 1024;

    /// <summary>A client of the daemon at a socket.</summary>
    /// <param name="socketPath">
    /// The socket's path, at most 107 bytes. Default: what the environment variable <see cref="ClientProtocol.SocketVariable"/> says, else
    /// <see cref="ClientProtocol.DefaultSocketPath"/>.
    /// </param>
    public PipeForkAsClient(string? socketPath = null) => SocketPath = NonEmpty(socketPath)
        ?? NonEmpty(Environment.GetEnvironmentVariable(ClientProtocol.SocketVariable))
        ?? ClientProtocol.DefaultSocketPath;

    /// <summary>The path of the daemon's socket.</summary>
    public string SocketPath { get; }

    /// <summary>
    /// The uid whose process must listen at the socket, as the kernel attests it (SO_PEERCRED, unix(7)); null for any. Default: 0, since
    /// the daemon runs as root. A process of another user at that path would read the requests and their input. In a user namespace, root
    /// outside of it has the overflow uid, usually 65534 (user_namespaces(7)).
    /// </summary>
    public uint? DaemonUid { get; init; } = 0;

    /// <summary>Runs a job and passes its streams through while it runs. A slow reader slows the job down; nothing piles up here.</summary>
    /// <param name="request">What to run. Its <see cref="Request.Reply"/> does not matter: frames are asked for.</param>
    /// <param name="input">
    /// What the job reads, to its end; null for no input. When the job ends first, it is left where it is, and bytes that a read
    /// still under way takes from it are lost: no stream lets go of a read on a terminal.
    /// </param>
    /// <param name="output">Takes what the job writes to standard output, flushed at the end if that was anything; null to discard it.</param>
    /// <param name="error">Takes what the job writes to standard error, flushed in the same way; null to discard it.</param>
    /// <param name="cancellation">Closes the connection, whereupon the daemon ends the job.</param>
    /// <returns>How the job ended, or why it was not run: any <see cref="ReplyCode"/>.</returns>
    /// <exception cref="RequestException">The request is not valid or longer than <see cref="ClientProtocol.MaxRequestBytes"/>; it was not sent.</exception>
    /// <exception cref="ConnectionException">The daemon cannot be reached.</exception>
    /// <exception cref="UntrustedDaemonException">A process of another uid than <see cref="DaemonUid"/> listens there; nothing was
    /// sent.</exception>
    /// <exception cref="ReplyCutShortException">The connection ended before the end record.</exception>
    /// <exception cref="ProtocolViolationException">The reply is not one of this protocol.</exception>
    /// <exception cref="JobStreamException">One of the three streams failed; the job is cancelled.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public Task<EndRecord> RunAsync(
        Request request, Stream? input = null, Stream? output = null, Stream? error = null, CancellationToken cancellation = default) =>
        ExchangeAsync(request, input, new SeparateStreams(output, error), cancellation);

    /// <summary>Runs a job and passes the reply on as it came, frame headers and end record included, once it has been checked.</summary>
    /// <param name="request">What to run. Its <see cref="Request.Reply"/> does not matter: frames are asked for.</param>
    /// <param name="input">What the job reads, as for <see cref="RunAsync"/>.</param>
    /// <param name="frames">Takes the reply, flushed at the end.</param>
    /// <param name="cancellation">Closes the connection, whereupon the daemon ends the job.</param>
    /// <returns>How the job ended, as the last frame says.</returns>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public Task<EndRecord> RunFramesAsync(Request request, Stream? input, Stream frames, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(frames);
        return ExchangeAsync(request, input, new RawFrames(frames), cancellation);
    }

    /// <summary>Runs a job and keeps what it writes.</summary>
    /// <param name="request">What to run. Its <see cref="Request.Reply"/> does not matter: frames are asked for.</param>
    /// <param name="input">What the job reads, as for <see cref="RunAsync"/>.</param>
    /// <param name="limit">The most bytes to keep of standard output, and of standard error: 0 to <see cref="Array.MaxLength"/>.</param>
    /// <param name="cancellation">Closes the connection, whereupon the daemon ends the job.</param>
    /// <exception cref="OutputTooLargeException">The job wrote more than <paramref name="limit"/>; it is cancelled.</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async Task<JobOutput> CaptureAsync(
        Request request, Stream? input = null, int limit = DefaultCaptureBytes, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, Array.MaxLength);

        MemoryTarget memory = new(limit);
        EndRecord end = await ExchangeAsync(request, input, memory, cancellation).ConfigureAwait(false);
        return new JobOutput(memory.Output, memory.Error, end);
    }

    /// <summary>The jobs that the caller may ask for.</summary>
    /// <param name="cancellation">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The daemon does not answer it: it is busy, it is stopping ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async Task<IReadOnlyList<JobDescription>> ListAsync(CancellationToken cancellation = default)
    {
        Request request = new() { Operation = Operation.List };
        ReadOnlyMemory<byte> json = await AskAsync(request, cancellation).ConfigureAwait(false);
        IReadOnlyList<JobDescription?> jobs = Read(() => JsonSerializer.Deserialize(json.Span, JobDescriptionJson.Default.IReadOnlyListJobDescription));
        return [.. jobs.Select(job => job ?? throw new ProtocolViolationException(FrameHeader.Size, "the answer lists a job that is null"))];
    }

    /// <summary>One job: its kind, the schema of its arguments, its limits.</summary>
    /// <param name="job">The job's name.</param>
    /// <param name="cancellation">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The job is unknown, or the caller may not know of it ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async Task<JobDescription> DescribeAsync(string job, CancellationToken cancellation = default)
    {
        Request request = new() { Operation = Operation.Describe, Job = job };
        ReadOnlyMemory<byte> json = await AskAsync(request, cancellation).ConfigureAwait(false);
        return Read(() => JsonSerializer.Deserialize(json.Span, JobDescriptionJson.Default.JobDescription));
    }

    /// <summary>Whether a request would be run, and as whom; nothing is run.</summary>
    /// <param name="request">The request. Its <see cref="Request.Operation"/> does not matter; <see cref="Request.Caller"/> is for root.</param>
    /// <param name="cancellation">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The job or the user is unknown, the arguments are not what the job takes ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async Task<CheckResult> CheckAsync(Request request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        JobOutput answer = await CaptureAsync(request with { Operation = Operation.Check }, cancellation: cancellation).ConfigureAwait(false);
        return answer.End.Code is ReplyCode.Ok or ReplyCode.Denied && !answer.Stdout.IsEmpty
            ? Read(() => JsonSerializer.Deserialize(answer.Stdout.Span, CheckResultJson.Default.CheckResult))
            : throw new RequestRefusedException(answer.End);
    }

    /// <summary>How the daemon does: what runs, what was counted. Other callers than root are told of their own jobs, and of no job host.</summary>
    /// <param name="cancellation">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">The daemon does not answer it: it is busy, it is stopping ...</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async Task<DaemonStatus> StatusAsync(CancellationToken cancellation = default)
    {
        ReadOnlyMemory<byte> json = await AskAsync(new Request { Operation = Operation.Status }, cancellation).ConfigureAwait(false);
        return Read(() => JsonSerializer.Deserialize(json.Span, DaemonStatusJson.Default.DaemonStatus));
    }

    /// <summary>Ends a job as if its client had gone away: SIGTERM, a grace, SIGKILL. It is under way when this returns, and may last for that grace.</summary>
    /// <param name="id">Which, as <see cref="RunningJobStatus.Id"/> tells.</param>
    /// <param name="cancellation">Closes the connection.</param>
    /// <exception cref="RequestRefusedException">No job of that id runs that the caller asked for; root may end those of others too.</exception>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async Task CancelAsync(long id, CancellationToken cancellation = default) =>
        await AskAsync(new Request { Operation = Operation.Cancel, Id = id }, cancellation).ConfigureAwait(false);

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static T Read<T>(Func<T?> deserialize)
        where T : class
    {
        try
        {
            return deserialize() ?? throw new ProtocolViolationException(FrameHeader.Size, "the answer is null");
        }
        catch (JsonException failure)
        {
            string problem = $"the answer is not what was asked for, at {UntrustedText.Excerpt(failure.Path ?? "$")}";
            throw new ProtocolViolationException(FrameHeader.Size, problem, failure);
        }
    }

    private async Task<ReadOnlyMemory<byte>> AskAsync(Request request, CancellationToken cancellation)
    {
        JobOutput answer = await CaptureAsync(request, cancellation: cancellation).ConfigureAwait(false);
        return answer.End.Code == ReplyCode.Ok ? answer.Stdout : throw new RequestRefusedException(answer.End);
    }

    private Task<EndRecord> ExchangeAsync(Request request, Stream? input, IReplyTarget target, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        byte[] line = (request with { Reply = ReplyForm.Frames }).ToLine();
        return Exchange.RunAsync(SocketPath, DaemonUid, line, input, target, cancellation);
    }
}
