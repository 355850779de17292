using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>Records which branches inputs take in the instrumented copies of the product.</summary>
internal static unsafe class Coverage
{
    private const int Counters = 65536;

    private static readonly byte* Map = (byte*)NativeMemory.AllocZeroed(Counters);

    /// <summary>Gives instrumented code its counters. Must be called before any of it runs.</summary>
    public static void Begin() => Trace.SharedMem = Map;

    /// <summary>The edges that one input takes. None if nothing is instrumented.</summary>
    public static HashSet<int> Of(Target target, byte[] input)
    {
        // One-time initialization by the first input does not count for this input.
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
