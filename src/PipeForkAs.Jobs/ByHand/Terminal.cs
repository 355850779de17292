using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>The process's own streams.</summary>
#pragma warning disable RS0030 // Runs by hand, never before a fork.
internal static class Terminal
{
    public static Stream OpenInput() => Console.OpenStandardInput();

    public static Stream OpenOutput() => Console.OpenStandardOutput();

    public static Stream OpenError() => Console.OpenStandardError();

    /// <summary>Writes lines that are already escaped.</summary>
    public static void Write(string lines) => Console.Out.Write(lines);

    public static void Line(string text) => Console.Out.WriteLine(text);

    public static void Warning(string message) => Console.Error.WriteLine($"warning: {UntrustedText.Escape(message)}");

    public static void Error(string message) => Console.Error.WriteLine($"error: {UntrustedText.Escape(message)}");
}
#pragma warning restore RS0030
