namespace PipeForkAs.Jobs.ByHand;

/// <summary>The process's own streams.</summary>
#pragma warning disable RS0030 // Runs by hand, never before a fork.
internal static class Terminal
{
    public static Stream OpenInput() => Console.OpenStandardInput();

    public static Stream OpenOutput() => Console.OpenStandardOutput();

    public static Stream OpenError() => Console.OpenStandardError();

    public static void Line(string text) => Console.Out.WriteLine(text);

    public static void Warning(string message) => Console.Error.WriteLine($"warning: {message}");

    public static void Error(string message) => Console.Error.WriteLine($"error: {message}");
}
#pragma warning restore RS0030
