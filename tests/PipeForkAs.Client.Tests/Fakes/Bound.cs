namespace PipeForkAs.Tests.Fakes;

/// <summary>How long a test may hang before it counts as failed. Nothing is asserted about time below that.</summary>
internal static class Bound
{
    public const int Milliseconds = 120_000;
}
