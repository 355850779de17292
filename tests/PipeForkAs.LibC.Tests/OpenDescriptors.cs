using System.Globalization;

namespace PipeForkAs.LibC.Tests;

/// <summary>The descriptors of this process, from /proc.</summary>
internal static class OpenDescriptors
{
    private const int Repetitions = 40;

    /// <summary>
    /// Runs the action often, and checks that the number of open descriptors does not grow. The runtime may open a few meanwhile.
    /// </summary>
    public static void AreNotLeakedBy(Action action)
    {
        action();
        int before = Count();
        for (int i = 0; i < Repetitions; i++)
            action();
        Assert.InRange(Count() - before, -Repetitions / 2, Repetitions / 2);
    }

    public static bool Has(int number) => Path.Exists($"/proc/self/fdinfo/{number.ToString(CultureInfo.InvariantCulture)}");

    public static bool IsCloseOnExec(int number) => (Flags(number) & (int)OpenFlags.O_CLOEXEC) != 0;

    public static bool IsNonblocking(int number) => (Flags(number) & (int)OpenFlags.O_NONBLOCK) != 0;

    /// <summary>Descriptors that a spawned program inherits unintentionally.</summary>
    public static int[] Inheritable() =>
        [.. Numbers().Where(number => Has(number) && !IsCloseOnExec(number))];

    private static int Count() => Numbers().Length;

    private static int[] Numbers() =>
        [.. Directory.EnumerateFiles("/proc/self/fdinfo").Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))];

    private static int Flags(int number)
    {
        string line = File.ReadLines($"/proc/self/fdinfo/{number.ToString(CultureInfo.InvariantCulture)}").First(
            line => line.StartsWith("flags:", StringComparison.Ordinal));
        return Convert.ToInt32(line["flags:".Length..].Trim(), 8);
    }
}
