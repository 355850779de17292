using System.Text.RegularExpressions;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.Jobs.Tests.Native;

/// <summary>Tests the build of a native program with a patch of .NET that lacks a function which pipeforkas_finalizer.c replaces.</summary>
public sealed partial class RuntimeCheckTests : IDisposable
{
    private const string Patch = "10.0.987";
    private static readonly string Build = Path.Combine(AppContext.BaseDirectory, "build");
    private static readonly string Compiler = Path.Combine(Page.Root, "eng/NativeCompiler.targets");
    private static readonly string Source = Path.Combine(Build, "pipeforkas_finalizer.c");

    /// <summary>The project of an author without a Directory.Build.targets, once the restore has fetched a compiler.</summary>
    private static readonly string Unpinned =
        $"""
        <Project>
          <ItemGroup>
            <ResolvedILCompilerPack Include="compiler"><NuGetPackageVersion>{Patch}</NuGetPackageVersion></ResolvedILCompilerPack>
          </ItemGroup>
          <Import Project="{Build}/PipeForkAs.Jobs.targets" />
        </Project>
        """;

    private readonly TemporaryFolder folder = new();

    [Fact(Timeout = 120_000)]
    public async Task If_a_patch_lacks_a_function_the_link_fails_with_a_remedy()
    {
        string[] replaced = await WriteCheckAsync();
        Assert.Equal(0, (await LinkAsync(replaced, replaced)).ExitCode);
        foreach (string missing in replaced)
        {
            ToolResult refused = await LinkAsync(replaced, [.. replaced.Where(name => name != missing)]);
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Contains(
                $".NET {Patch} has no function {missing}, which PipeForkAs replaces: build with "
                + $"PipeForkAsNativeVersion={await MeasuredAsync()}, or use a newer PipeForkAs",
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

    /// <summary>The targets of a package come too late to pin the compiler: they take the one that the restore fetched.</summary>
    [Fact(Timeout = 120_000)]
    public async Task The_compiler_of_the_SDK_is_taken_unless_another_version_is_asked_for_and_not_pinned()
    {
        string[] host = ["-t:PipeForkAsRequireCompiler", "-p:PipeForkAsJobHost=true", "-p:PublishAot=true", "-p:TargetFramework=net10.0"];
        ToolResult taken = await MSBuildAsync(Unpinned, host);
        Assert.True(taken.ExitCode == 0, taken.Text);
        Assert.Contains($"compiled with .NET {Patch}; PipeForkAs was measured with {await MeasuredAsync()}", taken.Text);

        ToolResult refused = await MSBuildAsync(Unpinned, [.. host, "-p:PipeForkAsNativeVersion=10.0.13"]);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains($"is version {Patch}, and PipeForkAsNativeVersion is 10.0.13: nothing pins the compiler", refused.Text);

        ToolResult old = await MSBuildAsync(Unpinned, [.. host[..^1], "-p:TargetFramework=net8.0"]);
        Assert.NotEqual(0, old.ExitCode);
        Assert.Contains("is compiled natively for net10.0, not for net8.0", old.Text);
    }

    [Theory(Timeout = 120_000)]
    [InlineData("true", "-p:OutputType=Exe")]
    [InlineData("", "-p:OutputType=Library")]
    [InlineData("", "-p:OutputType=Exe", "-p:IsTestProject=true")]
    [InlineData("", "-p:OutputType=Exe", "-p:IsTestingPlatformApplication=true")]
    [InlineData("false", "-p:OutputType=Exe", "-p:PipeForkAsJobHost=false")]
    public async Task An_executable_is_a_job_host_unless_it_is_a_test_or_says_otherwise(string expected, params string[] properties)
    {
        ToolResult asked = await MSBuildAsync(Unpinned, ["-getProperty:PipeForkAsJobHost", .. properties]);
        Assert.Equal(expected, asked.Text.Trim());
        ToolResult published = await MSBuildAsync(Unpinned, ["-t:PipeForkAsRequireNative", .. properties]);
        Assert.Equal(expected == "true", published.Text.Contains("A job host must be published as native code", StringComparison.Ordinal));
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Writes the linker script of a build with a patch that does not exist; returns the functions that it requires.</summary>
    private async Task<string[]> WriteCheckAsync()
    {
        ToolResult wrote = await MSBuildAsync(
            "-t:PipeForkAsWriteRuntimeCheck", $"-p:PipeForkAsNativeVersion={Patch}", $"-p:NativeIntermediateOutputPath={folder.Path}/");
        Assert.True(wrote.ExitCode == 0, wrote.Text);
        return [.. Asserted().Matches(await File.ReadAllTextAsync(folder["pipeforkas_runtime.ld"])).Select(match => match.Groups[1].Value)];
    }

    private async Task<string> MeasuredAsync() => (await MSBuildAsync("-getProperty:PipeForkAsMeasuredVersion")).Text.Trim();

    private Task<ToolResult> MSBuildAsync(params string[] arguments) => MSBuildAsync(
        $"""<Project><Import Project="{Build}/PipeForkAs.Jobs.targets" /><Import Project="{Compiler}" /></Project>""", arguments);

    private async Task<ToolResult> MSBuildAsync(string project, string[] arguments)
    {
        await File.WriteAllTextAsync(folder["check.proj"], project);
        return await Tool.RunAsync(
            ["dotnet", "msbuild", folder["check.proj"], "-noAutoResponse", "-nologo", "-nodeReuse:false", .. arguments]);
    }

    /// <summary>Links the C file, as the build of a job host does, with a runtime that has only some of the functions.</summary>
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
