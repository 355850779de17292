using System.Collections;
using System.Runtime.InteropServices;

namespace PipeForkAs.LibC.Tests;

/// <summary>Other tests would read a partially written environment through libc.</summary>
[CollectionDefinition(nameof(EnvironmentTests), DisableParallelization = true)]
[Collection(nameof(EnvironmentTests))]
public sealed class EnvironmentTests
{
    [Fact]
    public void The_environment_is_exactly_the_given_one()
    {
        // .NET copied the environment of the test process at the first access.
        string[] former = [
            .. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(variable => $"{variable.Key}={variable.Value}")];
        try
        {
            Libc.set_environment(["A=b=c", "EMPTY=", "Ö=ü"]);
            Assert.Equal("b=c", Get("A"));
            Assert.Equal("", Get("EMPTY"));
            Assert.Equal("ü", Get("Ö"));
            Assert.Null(Get("PATH"));
            Libc.set_environment([]);
            Assert.Null(Get("A"));

            // More than the block has room for, a lone surrogate, and less again.
            string longest = new('x', 10_000);
            Libc.set_environment([$"LONG={longest}", "LONE=\uD800", "LAST=l"]);
            Assert.Equal((longest, "\uFFFD", "l"), (Get("LONG"), Get("LONE"), Get("LAST")));
            Libc.set_environment(["A=b"]);
            Assert.Equal(("b", null, null), (Get("A"), Get("LONG"), Get("LAST")));
        }
        finally
        {
            Libc.set_environment(former);
        }

        Assert.Equal(Environment.GetEnvironmentVariable("PATH"), Get("PATH"));
    }

    [Theory]
    [InlineData("A")]
    [InlineData("=b")]
    [InlineData("A=b\0c")]
    public void An_invalid_variable_is_refused(string variable) => Assert.Throws<ArgumentException>(() => Libc.set_environment([variable]));

    private static string? Get(string name) => Marshal.PtrToStringUTF8(getenv(name));

#pragma warning disable SYSLIB1054 // The view of the test from outside.
    [DllImport("libc", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint getenv([MarshalAs(UnmanagedType.LPUTF8Str)] string name);
#pragma warning restore SYSLIB1054
}
