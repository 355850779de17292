using FsCheck;
using FsCheck.Fluent;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>Checks a property of many random values; a failure reports the seed and a minimized value.</summary>
internal static class Properties
{
    public static void Holds<T>(Gen<T> values, Action<T> property, int tests = 300) => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(tests).WithQuietOnSuccess(true),
        Prop.ForAll(values.ToArbitrary(), property));
}
