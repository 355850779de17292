namespace PipeForkAs.Protocol.Worker;

/// <summary>A step failed: the job did not run.</summary>
/// <param name="Step">Which.</param>
/// <param name="Errno">The errno of the call; 0 where a check failed and not a call.</param>
/// <param name="Detail">The call or the check, for a person.</param>
public readonly record struct StepFailed(WorkerStep Step, int Errno, string Detail)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer) =>
        writer.Begin(MessageKind.StepFailed).Byte((byte)Step).Int32(Errno).Text(WorkerProtocol.Cut(Detail));

    /// <summary>Reads the message.</summary>
    public static StepFailed Decode(ref MessageReader reader)
    {
        var message = new StepFailed((WorkerStep)reader.Byte(), reader.Int32(), reader.Text());
        reader.End();
        return message.Step is >= WorkerStep.Signals and <= WorkerStep.Execute
            ? message
            : throw new FormatException($"step {(int)message.Step} failed, which is none");
    }
}

/// <summary>
/// Whether a user lets a caller run a job: what a worker that became the user, and runs no code of the user's, found in the user's file.
/// </summary>
/// <param name="Given">Whether the user does.</param>
/// <param name="Reason">Why, or why not: for the log and for root.</param>
public readonly record struct ConsentAnswer(bool Given, string Reason)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer) => writer.Begin(MessageKind.Consent).Bool(Given).Text(WorkerProtocol.Cut(Reason));

    /// <summary>Reads the message.</summary>
    public static ConsentAnswer Decode(ref MessageReader reader)
    {
        var message = new ConsentAnswer(reader.Bool(), reader.Text());
        reader.End();
        return message;
    }
}

/// <summary>How a function came to its end.</summary>
public enum ReturnKind : byte
{
    /// <summary>It returned and all is well: the worker exits with 0. Any other exit code is told by the worker's end alone.</summary>
    Exited = 0,

    /// <summary>It threw.</summary>
    Threw = 1,

    /// <summary>The arguments are not what it takes; it did not run.</summary>
    BadArguments = 2,
}

/// <summary>A function came to its end. It is the job's own claim: code of the user's may have sent it.</summary>
/// <param name="Kind">How.</param>
/// <param name="ExceptionType">
/// The exception's type with its namespace, or the kind that the job gives it; empty where there is none.
/// </param>
/// <param name="Message">The exception's message, or what is wrong with the arguments; empty where there is nothing to say.</param>
/// <param name="Errno">The errno of the call that failed; 0 where the job names none.</param>
public readonly record struct Returned(ReturnKind Kind, string ExceptionType, string Message, int Errno = 0)
{
    /// <summary>Writes the message.</summary>
    public void Encode(MessageWriter writer) => writer.Begin(MessageKind.Returned)
        .Byte((byte)Kind).Text(WorkerProtocol.Cut(ExceptionType)).Text(WorkerProtocol.Cut(Message)).Int32(Errno);

    /// <summary>Reads the message.</summary>
    public static Returned Decode(ref MessageReader reader)
    {
        var message = new Returned((ReturnKind)reader.Byte(), reader.Text(), reader.Text(), reader.Int32());
        reader.End();
        return message.Kind <= ReturnKind.BadArguments
            ? message
            : throw new FormatException($"a function ended in way {(int)message.Kind}, which is none");
    }
}
