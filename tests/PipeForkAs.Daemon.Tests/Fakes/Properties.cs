using FsCheck;
using FsCheck.Fluent;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>Checks a property of many random values; a failure tells the value, made as small as can be, and the seed.</summary>
internal static class Properties
{
    public static void Holds<T>(Gen<T> values, Action<T> property, int tests = 300) => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(tests).WithQuietOnSuccess(true),
        Prop.ForAll(values.ToArbitrary(), property));
}
