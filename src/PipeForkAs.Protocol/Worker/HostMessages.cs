using PipeForkAs.Client;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Worker;

/// <summary>The first message of a job host.</summary>
/// <param name="Version">The job host's <see cref="WorkerProtocol.Version"/>.</param>
public readonly record struct Hello(int Version)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer) => writer.Begin(MessageKind.Hello).Int32(Version);

    /// <summary>Reads the message.</summary>
    public static Hello Decode(ref MessageReader reader)
    {
        var message = new Hello(reader.Int32());
        reader.End();
        return message;
    }
}

/// <summary>A job of a job host.</summary>
/// <param name="Name">The job's name.</param>
/// <param name="Kind">The job's kind.</param>
/// <param name="Description">What the job does, in one line; may be empty.</param>
/// <param name="ArgumentsSchema">The JSON schema of its arguments; empty if it takes none.</param>
/// <param name="Environment">The variables that a client may set.</param>
/// <param name="Timeout">How long the job may run; zero if it sets no limit.</param>
/// <param name="Sandboxes">What the job may access; empty if it sets no sandbox.</param>
/// <param name="AuditedArguments">The arguments that audit records show, <c>*</c> for all.</param>
/// <param name="UnsafeEnvironment">Variables that a client may set although they change which code common programs run.</param>
public sealed record JobOffer(
    string Name, JobKind Kind, string Description, string ArgumentsSchema, IReadOnlyList<string> Environment, TimeSpan Timeout,
    IReadOnlyList<Sandbox> Sandboxes,
    IReadOnlyList<string> AuditedArguments, IReadOnlyList<string> UnsafeEnvironment)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer)
    {
        writer.Begin(MessageKind.JobOffer)
            .Text(Name).Byte((byte)Kind).Text(Description).Text(ArgumentsSchema).Texts(Environment).Int64(Timeout.Ticks)
                .Texts(AuditedArguments).Texts(UnsafeEnvironment);
        SandboxMessage.EncodeAll(Sandboxes, writer);
    }

    /// <summary>Reads the message.</summary>
    public static JobOffer Decode(ref MessageReader reader)
    {
        var (name, kind, description, schema) = (reader.Text(), (JobKind)reader.Byte(), reader.Text(), reader.Text());
        var (environment, timeout, shown, steering) = (reader.Texts(), new TimeSpan(reader.Int64()), reader.Texts(), reader.Texts());
        var message = new JobOffer(
            name, kind, description, schema, environment, timeout, SandboxMessage.DecodeAll(ref reader), shown, steering);
        reader.End();
        if (message.Kind is not (JobKind.Text or JobKind.Typed or JobKind.Streaming))
            throw new FormatException(
                $"the job {UntrustedText.Excerpt(message.Name)} has the kind {(int)message.Kind}, which a job host cannot have");
        if (message.Timeout < TimeSpan.Zero)
            throw new FormatException($"the job {UntrustedText.Excerpt(message.Name)} has a timeout of {message.Timeout}");
        return message;
    }
}

/// <summary>Reports why a job host cannot serve.</summary>
/// <param name="Reason">The reason, for people.</param>
public readonly record struct Refused(string Reason)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer) => writer.Begin(MessageKind.Refused).Text(WorkerProtocol.Cut(Reason));

    /// <summary>Reads the message.</summary>
    public static Refused Decode(ref MessageReader reader)
    {
        var message = new Refused(reader.Text());
        reader.End();
        return message;
    }
}

/// <summary>Reports a forked worker. The message carries these descriptors, in this order: the worker's control socket, its pidfd, and the
/// other ends of its standard input and its standard output, which are stream sockets.
/// </summary>
/// <param name="Pid">The worker's process id.</param>
public readonly record struct Forked(int Pid)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer) => writer.Begin(MessageKind.Forked).Int32(Pid);

    /// <summary>Reads the message.</summary>
    public static Forked Decode(ref MessageReader reader)
    {
        var message = new Forked(reader.Int32());
        reader.End();
        return message;
    }
}

/// <summary>Reports a failed fork. The job host continues to run; the daemon decides whether to try again.</summary>
/// <param name="Reason">The reason with the errno, for people.</param>
public readonly record struct ForkFailed(string Reason)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer) => writer.Begin(MessageKind.ForkFailed).Text(WorkerProtocol.Cut(Reason));

    /// <summary>Reads the message.</summary>
    public static ForkFailed Decode(ref MessageReader reader)
    {
        var message = new ForkFailed(reader.Text());
        reader.End();
        return message;
    }
}

/// <summary>Reports that a worker has ended. The worker stays a zombie until the daemon sends <see cref="Reap"/>, so that the daemon can
/// kill its process group without hitting another group.
/// </summary>
/// <param name="Pid">The worker's process id.</param>
/// <param name="BySignal">Whether a signal killed the worker.</param>
/// <param name="Value">The exit code, or the signal's number.</param>
/// <param name="CpuTime">The processor time that the worker used.</param>
/// <param name="MaxResidentBytes">The worker's largest resident set in bytes.</param>
public readonly record struct WorkerExited(int Pid, bool BySignal, int Value, TimeSpan CpuTime, long MaxResidentBytes)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer) => writer.Begin(MessageKind.Exited)
        .Int32(Pid).Bool(BySignal).Int32(Value).Int64(CpuTime.Ticks).Int64(MaxResidentBytes);

    /// <summary>Reads the message.</summary>
    public static WorkerExited Decode(ref MessageReader reader)
    {
        var message = new WorkerExited(reader.Int32(), reader.Bool(), reader.Int32(), new TimeSpan(reader.Int64()), reader.Int64());
        reader.End();
        return message;
    }
}

/// <summary>Allows the job host to reap a worker that has ended.</summary>
/// <param name="Pid">The worker's process id.</param>
public readonly record struct Reap(int Pid)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer) => writer.Begin(MessageKind.Reap).Int32(Pid);

    /// <summary>Reads the message.</summary>
    public static Reap Decode(ref MessageReader reader)
    {
        var message = new Reap(reader.Int32());
        reader.End();
        return message;
    }
}
