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

    private const int DefaultSshSessions = 8;

    private readonly DaemonAddress address;
    private readonly Connector connector;
    private readonly IExchanger exchanger;
    private readonly int sshSessions = DefaultSshSessions;

    /// <summary>The environment variable that selects another host, as <c>[user@]host[:port]</c>.</summary>
    public const string HostVariable = SshHost.Variable;

    /// <summary>Creates a client for the daemon's socket, on this machine or on another host.</summary>
    /// <param name="socketPath">
    /// The socket's path, at most 107 bytes, or <c>ssh://[user@]host[:port]</c>, also with the path of the socket on that host after it.
    /// ssh(1) then runs <c>pipeforkas dial</c> there, with the configuration, keys and agent of the calling user. It never asks for a
    /// password. Default: the host in the environment variable <see cref="HostVariable"/>, otherwise the path in
    /// <see cref="SocketVariable"/>, otherwise <see cref="DefaultSocketPath"/>.
    /// </param>
    /// <exception cref="FormatException">The host is not valid: a part begins with '-', a port is not 1 to 65535 ...</exception>
    public PipeForkAsClient(string? socketPath = null)
        : this(DaemonAddress.Choose(socketPath), null)
    {
    }

    /// <summary>Creates a client that makes its exchanges in another way.</summary>
    /// <param name="address">The address of the daemon; the property <see cref="DaemonUid"/> takes precedence over its uid.</param>
    /// <param name="exchanger">Makes the exchanges; null for sockets and ssh of .NET.</param>
    internal PipeForkAsClient(DaemonAddress address, IExchanger? exchanger)
    {
        this.address = address;
        connector = new Connector(() => SshSessions);
        this.exchanger = exchanger ?? new SocketExchanger(connector);
        DaemonUid = address.DaemonUid;
    }

    /// <summary>The host of the daemon, as <c>[user@]host[:port]</c>; null for this machine.</summary>
    public string? Host => address.Host?.ToString();

    /// <summary>The path of the daemon's socket; empty if <see cref="Host"/> decides.</summary>
    public string SocketPath => address.SocketPath;

    /// <summary>The most sessions of ssh at once, 1 or more; other calls wait. Each call and each open stream needs one. A server refuses
    /// some connections at more than 10 that begin at once (MaxStartups), and more than 10 sessions of a shared connection (MaxSessions);
    /// sshd_config(5). Default: 8.
    /// </summary>
    public int SshSessions
    {
        get => sshSessions;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            sshSessions = value;
        }
    }

    /// <summary>The uid of the process that must listen at the socket, as the kernel attests it (SO_PEERCRED, unix(7)); null for any.
    /// Default: 0, because the daemon runs as root. A process of another user at that path could read the requests and their input. In a
    /// user namespace, root outside the namespace has the overflow uid, usually 65534 (user_namespaces(7)). On another host,
    /// <c>pipeforkas dial</c> makes the check there.
    /// </summary>
    public uint? DaemonUid { get; init; }

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
            IConnection connection = await connector.ConnectAsync(Address, cancellationToken).ConfigureAwait(false);
            return new JobOutputStream(connection, line, input, error, traced, cancellationToken);
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

    /// <summary>The address of the daemon.</summary>
    internal DaemonAddress Address => address with { DaemonUid = DaemonUid };

    /// <summary>Reads the output of <c>sign-in</c>.</summary>
    /// <exception cref="ProtocolViolationException">It is not a ticket.</exception>
    internal static SignInTicket ReadTicket(ReadOnlyMemory<byte> json)
    {
        SignInTicket ticket = Read(() => JsonSerializer.Deserialize(json.Span, SignInTicketJson.Default.SignInTicket));
        return ticket.Ticket is { } text && TicketText.IsValid(text)
            ? ticket
            : throw new ProtocolViolationException(FrameHeader.Size, "the reply has no ticket");
    }

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
        return await exchanger.ExchangeAsync(Address, line, input, target, cancellationToken).ConfigureAwait(false);
    }
}
