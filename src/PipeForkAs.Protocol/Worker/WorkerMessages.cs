namespace PipeForkAs.Protocol.Worker;

/// <summary>Reports that a step failed and the job did not run.</summary>
/// <param name="Step">The step that failed.</param>
/// <param name="Errno">The errno of the call; 0 if a check failed and not a call.</param>
/// <param name="Detail">The call or the check, for people.</param>
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
            : throw new FormatException($"the failed step {(int)message.Step} is unknown");
    }
}

/// <summary>Whether a user lets a caller run a job. The worker has become the user, runs no code of the user, and reads the user's consent
/// file.
/// </summary>
/// <param name="Given">Whether the user consents.</param>
/// <param name="Reason">The reason, for the log and for root.</param>
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

/// <summary>How a function ended.</summary>
public enum ReturnKind : byte
{
    /// <summary>The function returned and succeeded: the worker exits with 0. The worker's end alone reports any other exit code.</summary>
    Exited = 0,

    /// <summary>The function threw an exception.</summary>
    Threw = 1,

    /// <summary>The arguments are not valid; the function did not run.</summary>
    BadArguments = 2,
}

/// <summary>Reports that a function ended. The report is untrusted: the user's code may have sent it.</summary>
/// <param name="Kind">How the function ended.</param>
/// <param name="ExceptionType">The exception's type with its namespace, or the kind that the job set; empty if there is none.</param>
/// <param name="Message">The exception's message, or what is wrong with the arguments; may be empty.</param>
/// <param name="Errno">The errno of the failed call; 0 if the job sets none.</param>
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
            : throw new FormatException($"the result kind {(int)message.Kind} of a function is unknown");
    }
}
