using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>Which branches inputs take, in the instrumented copies of the product.</summary>
internal static unsafe class Coverage
{
    private const int Counters = 65536;

    /// <summary>An edge that is taken once, a few times, or often is another feature: a loop is entered by other inputs than those that stay in it.</summary>
    private const int Often = 4;

    private static readonly byte* Map = (byte*)NativeMemory.AllocZeroed(Counters);

    /// <summary>Gives instrumented code a place to count in. To be called before any of it runs.</summary>
    public static void Begin() => Trace.SharedMem = Map;

    /// <summary>The features of one input: edges, with how often they are taken. Empty where nothing is instrumented.</summary>
    public static HashSet<(int Edge, int Times)> Of(Target target, byte[] input)
    {
        // What the first input of all makes, for all inputs, is not this one's.
        _ = target.Check(input);
        new Span<byte>(Map, Counters).Clear();
        Trace.PrevLocation = 0;
        _ = target.Check(input);

        var features = new HashSet<(int, int)>();
        for (int edge = 0; edge < Counters; edge++)
        {
            if (Map[edge] != 0)
                features.Add((edge, Map[edge] == 1 ? 1 : Map[edge] < Often ? 2 : Often));
        }

        return features;
    }
}
