namespace PipeForkAs.TestJobs;

internal sealed record SumArguments(long A, long B);

internal sealed record SecretArguments(string Told, string Secret);

internal sealed record SumResult(long Sum);

internal sealed record BigArguments(string Text);

internal sealed record BigResult(int Length);

internal enum Colour
{
    Red,
    Green,
    Blue,
}

internal sealed record Point(int X, int Y);

internal sealed record AllTypes(
    string Text, int Number, double Real, bool Flag, Colour Colour, Point Point, IReadOnlyList<string> List, string? Optional = null,
    int WithDefault = 7);

/// <summary>Typed jobs.</summary>
internal static class Typed
{
    public static SumResult Sum(SumArguments arguments) => new(checked(arguments.A + arguments.B));

    public static AllTypes Same(AllTypes arguments) => arguments;

    public static string Keep(SecretArguments arguments) => arguments.Told.Length < arguments.Secret.Length ? "shorter" : "longer";

    public static BigResult Measure(BigArguments arguments) => new(arguments.Text.Length);
}
