using PipeForkAs.Tests;

namespace PipeForkAs.Client.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public void The_client_example_compiles()
    {
        using Stream source = typeof(ReadmeTests).Assembly.GetManifestResourceStream("ReadmeExample.cs")!;
        using StreamReader reader = new(source);
        string compiled = Plain(reader.ReadToEnd());
        string shown = Page.Example("Request a job", "csharp");

        Assert.StartsWith("using PipeForkAs.Client;\n\nvar client = ", shown, StringComparison.Ordinal);
        Assert.Contains(Plain(shown["using PipeForkAs.Client;\n\n".Length..]), compiled, StringComparison.Ordinal);
    }

    private static string Plain(string code) =>
        string.Join('\n', code.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
