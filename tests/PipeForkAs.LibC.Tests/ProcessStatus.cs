using System.Globalization;

namespace PipeForkAs.LibC.Tests;

/// <summary>The status of the calling thread, or of a process that printed it; proc(5).</summary>
internal static class ProcessStatus
{
    /// <summary>A field of the status of the calling thread.</summary>
    public static string Field(string name) => Field(File.ReadAllText("/proc/thread-self/status"), name);

    public static string Field(string status, string name) =>
        status.Split('\n').First(line => line.StartsWith(name + ":", StringComparison.Ordinal))[(name.Length + 1)..].Trim();

    public static ulong Mask(string name) => ulong.Parse(Field(name), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    public static SignalSet SignalSet(string name)
    {
        ulong mask = Mask(name);
        return LibC.SignalSet.Of(
            [.. Enumerable.Range(1, Signal.Max).Where(number => (mask & (1UL << (number - 1))) != 0).Select(number => new Signal(number))]);
    }
}
