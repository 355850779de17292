using System.Text.RegularExpressions;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Jobs.Tests.Native;

/// <summary>What a native build does with a patch of .NET that lacks a function which pipeforkas_finalizer.c replaces.</summary>
public sealed partial class RuntimeCheckTests : IDisposable
{
    private const string Patch = "10.0.987";
    private static readonly string Build = Path.Combine(AppContext.BaseDirectory, "build");
    private static readonly string Source = Path.Combine(Build, "pipeforkas_finalizer.c");
    private readonly TemporaryFolder folder = new();

    [Fact(Timeout = 120_000)]
    public async Task Where_a_patch_lacks_a_function_the_link_fails_and_says_what_to_do()
    {
        string[] replaced = await WriteCheckAsync();
        Assert.Equal(0, (await LinkAsync(replaced, replaced)).ExitCode);
        foreach (string missing in replaced)
        {
            ToolResult refused = await LinkAsync(replaced, [.. replaced.Where(name => name != missing)]);
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Contains(
                $".NET {Patch} has no function {missing}, which PipeForkAs replaces: build with "
                + $"PipeForkAsNativeVersion={await MeasuredAsync()}, or take a newer PipeForkAs",
                refused.Error);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task The_link_is_checked_for_all_functions_that_the_C_file_replaces() => Assert.Equal(
        DefinedWrap().Matches(await File.ReadAllTextAsync(Source)).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal),
        (await WriteCheckAsync()).Order(StringComparer.Ordinal));

    [Theory(Timeout = 120_000)]
    [InlineData("9.0.20")]
    [InlineData("11.0.0")]
    public async Task Another_NET_than_10_is_refused(string version)
    {
        ToolResult refused = await MSBuildAsync("-t:PipeForkAsPinCompiler", $"-p:PipeForkAsNativeVersion={version}");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains($"PipeForkAsNativeVersion is {version}, which is not a patch of .NET 10; set it to 10.0.x", refused.Text);
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Writes the linker's script as a build with a patch that nobody has does; the functions that it asks for.</summary>
    private async Task<string[]> WriteCheckAsync()
    {
        ToolResult wrote = await MSBuildAsync(
            "-t:PipeForkAsWriteRuntimeCheck", $"-p:PipeForkAsNativeVersion={Patch}", $"-p:NativeIntermediateOutputPath={folder.Path}/");
        Assert.True(wrote.ExitCode == 0, wrote.Text);
        return [.. Asserted().Matches(await File.ReadAllTextAsync(folder["pipeforkas_runtime.ld"])).Select(match => match.Groups[1].Value)];
    }

    private async Task<string> MeasuredAsync() => (await MSBuildAsync("-getProperty:PipeForkAsMeasuredVersion")).Text.Trim();

    private async Task<ToolResult> MSBuildAsync(params string[] arguments)
    {
        await File.WriteAllTextAsync(folder["check.proj"], $"""<Project><Import Project="{Build}/PipeForkAs.Jobs.targets" /></Project>""");
        return await Tool.RunAsync(
            ["dotnet", "msbuild", folder["check.proj"], "-noAutoResponse", "-nologo", "-nodeReuse:false", .. arguments]);
    }

    /// <summary>Links the C file, as a job host's build does, with a runtime that has some of the functions alone.</summary>
    private async Task<ToolResult> LinkAsync(string[] replaced, string[] present)
    {
        await File.WriteAllTextAsync(
            folder["runtime.c"],
            string.Concat(present.Select(name => $"int {name}(void) {{ return 0; }}\n")) + "int main(void) { return 0; }\n");
        return await Tool.RunAsync(
        [
            "cc", "-O2", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", folder["program"], Source, folder["runtime.c"],
                folder["pipeforkas_runtime.ld"],
            .. replaced.Select(name => $"-Wl,--wrap={name}"),
        ]);
    }

    [GeneratedRegex(@"^ASSERT\(DEFINED\(__real_(\w+)\)", RegexOptions.Multiline)]
    private static partial Regex Asserted();

    [GeneratedRegex(@"^\w+ __wrap_(\w+)\([^)]*\) \{", RegexOptions.Multiline)]
    private static partial Regex DefinedWrap();
}
