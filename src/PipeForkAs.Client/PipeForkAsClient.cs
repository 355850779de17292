using System.Net.Sockets;
using System.Text.Json;

using PipeForkAs.Client.Exchanges;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>Requests jobs from the daemon. Each call uses one connection. An instance keeps no connection, so a program can keep one
/// instance forever and use it from several threads at once.
/// </summary>
/// <example>
/// <code>
/// var client = new PipeForkAsClient();
/// JobOutput id = await client.CaptureAsync(new JobRequest("id") { User = "alice" });
/// Console.Write(id.EnsureSuccess().StdoutText);
/// </code>
/// </example>
public sealed class PipeForkAsClient : IPipeForkAsClient
{
    /// <summary>The most bytes that <see cref="CaptureAsync"/> keeps of each output unless the caller sets a limit: 16 MiB.</summary>
    public const int DefaultCaptureBytes = 16 * 1024 * 1024;

    /// <summary>The default path of the daemon's socket.</summary>
    public const string DefaultSocketPath = ClientProtocol.DefaultSocketPath;

    /// <summary>The environment variable that selects another socket.</summary>
    public const string SocketVariable = ClientProtocol.SocketVariable;

    /// <summary>
    /// The name of the <see cref="System.Diagnostics.ActivitySource"/> that has an activity for each request. While something listens to
    /// it, requests carry the activity's context (W3C Trace Context): the job finds it in the variables <c>TRACEPARENT</c> and
    /// <c>TRACESTATE</c>, and the daemon's audit record has the trace id. An activity has the tags <c>pipeforkas.operation</c>,
    /// <c>pipeforkas.job</c>, <c>pipeforkas.user</c> and <c>pipeforkas.code</c>.
    /// </summary>
    public const string ActivitySourceName = "PipeForkAs.Client";

    private readonly IExchanger exchanger;

    /// <summary>Creates a client for the daemon's socket.</summary>
    /// <param name="socketPath">
    /// The socket's path, at most 107 bytes. Default: the environment variable <see cref="SocketVariable"/>, otherwise
    /// <see cref="DefaultSocketPath"/>.
    /// </param>
    public PipeForkAsClient(string? socketPath = null)
        : this(socketPath, new SocketExchanger())
    {
    }

    /// <summary>Creates a client that makes its exchanges in another way.</summary>
    internal PipeForkAsClient(string? socketPath, IExchanger exchanger)
    {
        SocketPath = ChooseSocketPath(socketPath);
        this.exchanger = exchanger;
    }

    /// <summary>The path of the daemon's socket.</summary>
    public string SocketPath { get; }

    /// <summary>The uid of the process that must listen at the socket, as the kernel attests it (SO_PEERCRED, unix(7)); null for any.
    /// Default: 0, because the daemon runs as root. A process of another user at that path could read the requests and their input. In a
    /// user namespace, root outside the namespace has the overflow uid, usually 65534 (user_namespaces(7)).
    /// </summary>
    public uint? DaemonUid { get; init; } = 0;

    /// <inheritdoc/>
    public Task<JobResult> RunAsync(
        JobRequest request,
        Stream? input = null,
        Stream? output = null,
        Stream? error = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return ExchangeAsync(request.ToWire(), input, new SeparateStreams(output, error), cancellationToken);
    }

    /// <summary>Runs a job and passes the reply on unchanged, including frame headers and end record, after checking it.</summary>
    /// <param name="request">The job to run.</param>
    /// <param name="input">The job's standard input, as for <see cref="RunAsync"/>.</param>
    /// <param name="frames">Receives the reply, flushed at the end.</param>
    /// <param name="cancellationToken">Closes the connection; the daemon then cancels the job.</param>
    /// <returns>How the job ended, from the last frame.</returns>
    /// <inheritdoc cref="IPipeForkAsClient.RunAsync" path="/exception"/>
    public Task<JobResult> RunFramesAsync(JobRequest request, Stream? input, Stream frames, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(frames);
        return ExchangeAsync(request.ToWire(), input, new RawFrames(frames), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<JobOutput> CaptureAsync(
        JobRequest request, Stream? input = null, int limit = DefaultCaptureBytes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, Array.MaxLength);
        return KeepAsync(request.ToWire(), input, limit, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(
        JobRequest request, Stream? input = null, Stream? error = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
#pragma warning disable CA2000 // The stream owns both, and disposes them.
        TracedExchange traced = new(request.ToWire());
        try
        {
            byte[] line = traced.Request.ToLine();
            Socket socket = await Connecting.ConnectAsync(SocketPath, DaemonUid, cancellationToken).ConfigureAwait(false);
            return new JobOutputStream(socket, line, input, error, traced, cancellationToken);
        }
#pragma warning restore CA2000
        catch (Exception failure)
        {
            traced.Note(failure);
            traced.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<JobDescription>> ListAsync(CancellationToken cancellationToken = default)
    {
        ReadOnlyMemory<byte> json = await AskAsync(new Request { Operation = Operation.List }, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<JobDescription?> jobs = Read(() =>
            JsonSerializer.Deserialize(json.Span, JobDescriptionJson.Default.IReadOnlyListJobDescription));
        return [.. jobs.Select(job => job ?? throw new ProtocolViolationException(FrameHeader.Size, "the reply lists a job that is null"))];
    }

    /// <inheritdoc/>
    public async Task<JobDescription> DescribeAsync(string job, CancellationToken cancellationToken = default)
    {
        Request request = new() { Operation = Operation.Describe, Job = job };
        ReadOnlyMemory<byte> json = await AskAsync(request, cancellationToken).ConfigureAwait(false);
        return Read(() => JsonSerializer.Deserialize(json.Span, JobDescriptionJson.Default.JobDescription));
    }

    /// <inheritdoc/>
    public async Task<CheckResult> CheckAsync(JobRequest request, string? caller = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        Request check = request.ToWire(Operation.Check, caller);
        JobOutput reply = await KeepAsync(check, null, DefaultCaptureBytes, cancellationToken).ConfigureAwait(false);
        return reply.Result.Code is ReplyCode.Ok or ReplyCode.Denied && !reply.Stdout.IsEmpty
            ? Read(() => JsonSerializer.Deserialize(reply.Stdout.Span, CheckResultJson.Default.CheckResult))
            : throw new RequestRefusedException(reply.Result);
    }

    /// <inheritdoc/>
    public async Task<DaemonStatus> StatusAsync(CancellationToken cancellationToken = default)
    {
        ReadOnlyMemory<byte> json = await AskAsync(new Request { Operation = Operation.Status }, cancellationToken).ConfigureAwait(false);
        return Read(() => JsonSerializer.Deserialize(json.Span, DaemonStatusJson.Default.DaemonStatus));
    }

    /// <inheritdoc/>
    public async Task CancelAsync(long id, CancellationToken cancellationToken = default) =>
        await AskAsync(new Request { Operation = Operation.Cancel, Id = id }, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async Task<SignInTicket> SignInAsync(
        string user, ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default)
    {
        Request request = new() { Operation = Operation.SignIn, User = user };
        byte[] copy = password.ToArray();
        try
        {
            using MemoryStream input = new(copy, writable: false);
            return ReadTicket(await AskAsync(request, cancellationToken, input).ConfigureAwait(false));
        }
        finally
        {
            Array.Clear(copy);
        }
    }

    /// <inheritdoc/>
    public async Task SignOutAsync(string ticket, CancellationToken cancellationToken = default) =>
        await AskAsync(new Request { Operation = Operation.SignOut, Ticket = ticket }, cancellationToken).ConfigureAwait(false);

    /// <summary>Returns the path of the daemon's socket: the given one, else that of <see cref="SocketVariable"/>, else the default.
    /// </summary>
    internal static string ChooseSocketPath(string? socketPath) => NonEmpty(socketPath)
        ?? NonEmpty(Environment.GetEnvironmentVariable(SocketVariable))
        ?? DefaultSocketPath;

    /// <summary>Reads the output of <c>sign-in</c>.</summary>
    /// <exception cref="ProtocolViolationException">It is not a ticket.</exception>
    internal static SignInTicket ReadTicket(ReadOnlyMemory<byte> json)
    {
        SignInTicket ticket = Read(() => JsonSerializer.Deserialize(json.Span, SignInTicketJson.Default.SignInTicket));
        return ticket.Ticket is { } text && TicketText.IsValid(text)
            ? ticket
            : throw new ProtocolViolationException(FrameHeader.Size, "the reply has no ticket");
    }

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static T Read<T>(Func<T?> deserialize)
        where T : class
    {
        try
        {
            return deserialize() ?? throw new ProtocolViolationException(FrameHeader.Size, "the reply is null");
        }
        catch (JsonException failure)
        {
            string problem = $"the reply is not of the expected kind, at {UntrustedText.Excerpt(failure.Path ?? "$")}";
            throw new ProtocolViolationException(FrameHeader.Size, problem, failure);
        }
    }

    private async Task<ReadOnlyMemory<byte>> AskAsync(Request request, CancellationToken cancellationToken, Stream? input = null)
    {
        JobOutput reply = await KeepAsync(request, input, DefaultCaptureBytes, cancellationToken).ConfigureAwait(false);
        return reply.Result.IsSuccess ? reply.Stdout : throw new RequestRefusedException(reply.Result);
    }

    private async Task<JobOutput> KeepAsync(Request request, Stream? input, int limit, CancellationToken cancellationToken)
    {
        MemoryTarget memory = new(limit);
        JobResult result = await ExchangeAsync(request, input, memory, cancellationToken).ConfigureAwait(false);
        return new JobOutput(memory.Output, memory.Error, result);
    }

    private async Task<JobResult> ExchangeAsync(Request request, Stream? input, IReplyTarget target, CancellationToken cancellationToken)
    {
        using TracedExchange traced = new(request with { Reply = ReplyForm.Frames });
        try
        {
            return traced.Note(await SendAsync(traced.Request, input, target, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception failure) when (traced.Note(failure))
        {
            throw;
        }
    }

    private async Task<JobResult> SendAsync(Request request, Stream? input, IReplyTarget target, CancellationToken cancellationToken)
    {
        byte[] line = request.ToLine();
        return await exchanger.ExchangeAsync(SocketPath, DaemonUid, line, input, target, cancellationToken).ConfigureAwait(false);
    }
}
