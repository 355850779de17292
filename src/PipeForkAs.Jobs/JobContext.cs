using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PipeForkAs.Jobs.Registration;

namespace PipeForkAs.Jobs;

/// <summary>What a running job can use: its arguments, its streams, its user, and a token that signals when it must stop.</summary>
public sealed class JobContext
{
    private readonly TerminationSignal termination;
    private readonly Func<TerminationSignal, Stream> makeInput, makeOutput, makeError;
    private Stream? input, output, error;

    /// <summary>Creates a context, for example in a unit test of a function. PipeForkAs.Jobs.Testing runs registered jobs.</summary>
    /// <param name="user">The user.</param>
    /// <param name="argumentsJson">The arguments as a JSON object in UTF-8; empty for none.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="error">Standard error.</param>
    public JobContext(JobUser user, ReadOnlyMemory<byte> argumentsJson, Stream input, Stream output, Stream error)
        : this(user, argumentsJson, _ => input, _ => output, _ => error)
    {
    }

    internal JobContext(
        JobUser user, ReadOnlyMemory<byte> argumentsJson,
        Func<TerminationSignal, Stream> input, Func<TerminationSignal, Stream> output, Func<TerminationSignal, Stream> error,
        TerminationSignal? termination = null)
    {
        this.termination = termination ?? new TerminationSignal();
        User = user;
        ArgumentsJson = argumentsJson;
        makeInput = input;
        makeOutput = output;
        makeError = error;
    }

    /// <summary>The user that the job runs as.</summary>
    public JobUser User { get; }

    /// <summary>The arguments as a JSON object in UTF-8, as the client sent them; empty for none.</summary>
    public ReadOnlyMemory<byte> ArgumentsJson { get; }

    /// <summary>Standard input: what the client sends after its request, until it shuts down its writing side. A waiting read ends with
    /// <see cref="OperationCanceledException"/> when <see cref="CancellationToken"/> is cancelled; an asynchronous read also ends with its
    /// own token.
    /// </summary>
    public Stream Input => One(ref input, makeInput);

    /// <summary>Standard output, not buffered. A write waits while the client does not read, and ends like a read when the job is
    /// cancelled. A cancelled job can still write as much as there is room for.
    /// </summary>
    public Stream Output => One(ref output, makeOutput);

    /// <summary>Standard error, like <see cref="Output"/>.</summary>
    public Stream Error => One(ref error, makeError);

    /// <summary>The token that SIGTERM cancels: the job has timed out, the client has disconnected, or the daemon is stopping. After a
    /// grace period the job is killed. A job that has not read this property is terminated by SIGTERM: read it before there is anything to
    /// clean up. Processes that the job started get SIGTERM too, unless they left its process group (setsid(1), timeout(1)). Processes that
    /// remain when the job ends are killed.
    /// </summary>
    public CancellationToken CancellationToken => termination.Token;

    /// <summary>Reads the arguments into a record.</summary>
    /// <exception cref="JobArgumentsException">The arguments do not fit the record; the client gets the reason.</exception>
    public T GetArguments<T>(JsonTypeInfo<T> typeInfo) => new ArgumentReader<T>(() => typeInfo).Read(ArgumentsJson);

    /// <summary>The arguments as a JSON element; an empty object if there are none.</summary>
    public JsonElement GetArguments()
    {
        using JsonDocument document = JsonDocument.Parse(ArgumentsJson.IsEmpty ? "{}"u8.ToArray() : ArgumentsJson);
        return document.RootElement.Clone();
    }

    /// <summary>Returns the same stream to all threads. Creating one has no side effect, so no lock is needed.</summary>
    private Stream One(ref Stream? stream, Func<TerminationSignal, Stream> make) =>
        stream ?? Interlocked.CompareExchange(ref stream, make(termination), null) ?? stream;
}
