using System.Buffers.Binary;
using FsCheck.Fluent;
using PipeForkAs.Protocol.Tests.Worker;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Protocol.Tests.Fuzz;

/// <summary>Fuzzes the messages between daemon, job hosts and workers: a worker that runs the code of a user may send anything.</summary>
[Collection(nameof(Fuzzing))]
public sealed class MessageFuzzTests
{
    private const int OfEachType = 40;

    private static readonly byte[][][] Sound = [
        .. Samples.All.Select(type => type.Values.Sample(OfEachType, 20).Select(type.Bytes).ToArray())];

    [Fact]
    public async Task Messages_are_accepted_or_refused_with_a_reason()
    {
        FuzzResult result = await Fuzzing.RunAsync(Fuzzing.Rounds(50_000), Next, message =>
        {
            try
            {
                // As in the receivers: the first byte is the kind.
                var reader = new MessageReader(message);
                MessageKind kind = reader.Kind;
                if (Samples.All.FirstOrDefault(type => type.Kind == kind) is not { } known)
                    return false;
                object taken = known.Decode(ref reader);
                Assert.Equal(message, known.Bytes(taken));
                return true;
            }
            catch (FormatException)
            {
                return false;
            }
        });
        Assert.InRange(result.Taken, result.Rounds / 50, result.Rounds * 9 / 10);
    }

    /// <summary>
    /// Structural damage: a part of one message in another, a wrong length, another kind at the beginning; and damaged bytes.
    /// </summary>
    private static byte[] Next(Random random)
    {
        byte[] message = [.. Any(random)];
        switch (random.Next(8))
        {
            case 0:
                byte[] other = Any(random);
                int cut = random.Next(message.Length + 1);
                return [.. message[..cut], .. other[Math.Min(cut, other.Length)..]];
            case 1 when message.Length > 5:
                int at = random.Next(1, message.Length - 4);
                int value = BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(at));
                BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(at), unchecked(value + random.Next(-3, 4)));
                return message;
            case 2:
                message[0] = (byte)Samples.All[random.Next(Samples.All.Length)].Kind;
                return message;
            case 3:
                return message[..random.Next(message.Length + 1)];
            case 4:
                return [.. message, .. Any(random)];
            case 5:
                return message;
            default:
                return new Mutation(random.Next()).Of(message);
        }
    }

    private static byte[] Any(Random random)
    {
        byte[][] ofType = Sound[random.Next(Sound.Length)];
        return ofType[random.Next(ofType.Length)];
    }
}
