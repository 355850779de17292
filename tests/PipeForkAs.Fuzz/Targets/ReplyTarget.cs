using System.Buffers.Binary;
using PipeForkAs.Client.Exchanges;
using PipeForkAs.Fuzz.Driver;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>A daemon's reply in frames. The first byte determines how the socket splits it.</summary>
internal sealed class ReplyTarget : Target
{
    public override string Name => "reply";

    public override int MaxLength => 2048;

    /// <summary>An end record is collected in a buffer that doubles, and read from there.</summary>
    public override int BytesForEach => 128;

    public override void Try(Trial trial)
    {
        if (trial.Input.Length == 0)
            return;
        byte[] reply = trial.Input[1..];
        Outcome cut = trial.Measured(() => Outcome.Of(reply, trial.Input[0] + 1));
        Outcome whole = Outcome.Of(reply, reply.Length + 1);
        if (whole.End is not null)
            trial.Accept();
        if (whole.Refusal is { } refusal)
            Trial.IsReason(refusal);
        Trial.Holds(cut.Refusal == whole.Refusal, $"in pieces: {cut.Refusal}; as a whole: {whole.Refusal}");
        Trial.Holds(cut.End == whole.End, $"in pieces: {cut.End}; as a whole: {whole.End}");
        Trial.Holds(Same(cut.Outputs, whole.Outputs) && Same(whole.Outputs, Outcome.ReadIndependently(reply)), "the outputs are others");
    }

    private static bool Same(Dictionary<FrameType, List<byte>> first, Dictionary<FrameType, List<byte>> second) =>
        first[FrameType.Stdout].SequenceEqual(second[FrameType.Stdout]) && first[FrameType.Stderr].SequenceEqual(second[FrameType.Stderr]);

    /// <summary>The result of a reply.</summary>
    private sealed record Outcome(Dictionary<FrameType, List<byte>> Outputs, JobResult? End, string? Refusal)
    {
        public static Outcome Of(byte[] reply, int piece)
        {
            var parser = new ReplyParser();
            Dictionary<FrameType, List<byte>> outputs = None();
            try
            {
                for (int at = 0; at < reply.Length; at += piece)
                {
                    ReadOnlyMemory<byte> received = reply.AsMemory(at, Math.Min(piece, reply.Length - at));
                    while (parser.TryTake(ref received, out FrameType type, out ReadOnlyMemory<byte> payload))
                    {
                        Trial.Holds(!payload.IsEmpty, "a piece of output is empty");
                        outputs[type].AddRange(payload.Span);
                    }
                }
            }
            catch (ProtocolViolationException violation)
            {
                return new Outcome(outputs, null, violation.Message);
            }

            return new Outcome(outputs, parser.End, null);
        }

        /// <summary>An independent reader of the outputs, by the protocol.</summary>
        public static Dictionary<FrameType, List<byte>> ReadIndependently(byte[] reply)
        {
            Dictionary<FrameType, List<byte>> outputs = None();
            for (int at = 0; at + 8 <= reply.Length;)
            {
                uint length = BinaryPrimitives.ReadUInt32BigEndian(reply.AsSpan(at + 4));
                if (reply[at] is not (1 or 2) || reply.AsSpan(at + 1, 3).ContainsAnyExcept((byte)0) || length > 16 * 1024 * 1024)
                    break;
                int there = (int)Math.Min(length, (uint)(reply.Length - at - 8));
                outputs[(FrameType)reply[at]].AddRange(reply.AsSpan(at + 8, there));
                at += 8 + there;
            }

            return outputs;
        }

        private static Dictionary<FrameType, List<byte>> None() => new() { [FrameType.Stdout] = [], [FrameType.Stderr] = [] };
    }
}
