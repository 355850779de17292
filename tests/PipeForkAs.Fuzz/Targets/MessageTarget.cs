using PipeForkAs.Fuzz.Driver;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>The messages between daemon, job hosts and workers: each Decode after <see cref="MessageReader"/>.</summary>
internal sealed class MessageTarget : Target
{
    /// <summary>Texts up to this length are written unchanged; longer ones are truncated.</summary>
    private const int Uncut = WorkerProtocol.MaxTextLength;

    public override string Name => "message";

    public override int MaxLength => 2048;

    public override void Try(Trial trial)
    {
        byte[] message = trial.Input;
        byte[]? written;
        try
        {
            written = trial.Measured(() => Again(message));
        }
        catch (FormatException refused)
        {
            Trial.IsReason(refused.Message);
            return;
        }

        if (written is null)
            return;
        trial.Accept();
        Trial.Holds(
            message.Length <= Uncut ? written.AsSpan().SequenceEqual(message) : Again(written).AsSpan().SequenceEqual(written),
            $"written again, the message is {Convert.ToHexString(written)}");
    }

    /// <summary>Reads a message and writes it; null for a kind without content, or an unknown kind.</summary>
    private static byte[]? Again(byte[] message)
    {
        var reader = new MessageReader(message);
        var writer = new MessageWriter();
        switch (reader.Kind)
        {
            case MessageKind.Hello:
                Hello.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.JobOffer:
                JobOffer.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.Refused:
                Refused.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.Forked:
                Forked.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.ForkFailed:
                ForkFailed.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.Exited:
                WorkerExited.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.Reap:
                Reap.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.WorkerOrder:
                WorkerOrder.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.StepFailed:
                StepFailed.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.Returned:
                Returned.Decode(ref reader).Encode(writer);
                break;
            case MessageKind.Consent:
                ConsentAnswer.Decode(ref reader).Encode(writer);
                break;
            default:
                return null;
        }

        return writer.Written.ToArray();
    }
}
