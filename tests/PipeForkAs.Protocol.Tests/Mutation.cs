using System.Buffers.Binary;

namespace PipeForkAs.Protocol.Tests;

/// <summary>Damages messages as a hostile sender would: the same damage in each run.</summary>
internal sealed class Mutation(int seed)
{
    private static readonly int[] Extremes = [int.MinValue, -1, 0, 1, 0xFFFF, 0x10000, 0x3FFFFFFF, 0x40000000, int.MaxValue];

    private readonly Random random = new(seed);

    public byte[] Of(byte[] original)
    {
        var bytes = new List<byte>(original);
        for (int i = random.Next(1, 5); i > 0 && bytes.Count > 0; i--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, random.Next(1 + Math.Min(16, bytes.Count - at)));
                    break;
                case 3:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, random.Next(1 + Math.Min(16, bytes.Count - at))));
                    break;
                default:
                    var number = new byte[sizeof(int)];
                    BinaryPrimitives.WriteInt32LittleEndian(number, Extremes[random.Next(Extremes.Length)]);
                    for (int j = 0; j < number.Length && at + j < bytes.Count; j++)
                        bytes[at + j] = number[j];
                    break;
            }
        }

        return [.. bytes];
    }
}
