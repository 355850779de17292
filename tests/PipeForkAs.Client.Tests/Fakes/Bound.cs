namespace PipeForkAs.Tests.Fakes;

/// <summary>The time after which a hanging test fails. No test asserts shorter times.</summary>
internal static class Bound
{
    public const int Milliseconds = 120_000;
}
