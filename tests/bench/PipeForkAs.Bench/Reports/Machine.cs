using System.Runtime.InteropServices;

namespace PipeForkAs.Bench.Reports;

/// <summary>The machine of a run.</summary>
internal static class Machine
{
    /// <summary>The load average of the last minute.</summary>
    public static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    public static string Describe()
    {
        string kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        string? model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(
            line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return $"{Environment.ProcessorCount} x {model ?? RuntimeInformation.ProcessArchitecture.ToString()}, {memory / 1e9:0.0} GB, "
            + $"Linux {kernel}";
    }
}
