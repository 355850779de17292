using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>Which branches inputs take, in the instrumented copies of the product.</summary>
internal static unsafe class Coverage
{
    private const int Counters = 65536;

    private static readonly byte* Map = (byte*)NativeMemory.AllocZeroed(Counters);

    /// <summary>Gives instrumented code a place to count in. To be called before any of it runs.</summary>
    public static void Begin() => Trace.SharedMem = Map;

    /// <summary>The edges that one input takes. None where nothing is instrumented.</summary>
    public static HashSet<int> Of(Target target, byte[] input)
    {
        // What the first input of all makes, for all inputs, is not this one's.
        _ = target.Check(input);
        new Span<byte>(Map, Counters).Clear();
        Trace.PrevLocation = 0;
        _ = target.Check(input);

        var edges = new HashSet<int>();
        for (int edge = 0; edge < Counters; edge++)
        {
            if (Map[edge] != 0)
                edges.Add(edge);
        }

        return edges;
    }
}
