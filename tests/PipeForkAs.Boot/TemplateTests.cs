using System.Collections;
using System.Diagnostics;
using System.Globalization;
using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.Boot;

/// <summary>Uses the NuGet packages outside of the repository, as README says: a user with an empty home, the SDK, the packages, the
/// registry, and an installed daemon. In a container of its own, which has the network.
/// </summary>
public sealed class TemplateTests(BootedSystem system)
{
    private const string Home = "/home/" + BootedSystem.Alice;
    private const string Clone = Home + "/pipeforkas";

    /// <summary>A native compilation beside other suites.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    /// <summary>The packages under test.</summary>
    internal static readonly string Packages = Environment.GetEnvironmentVariable("PIPEFORKAS_PACKAGES") is { Length: > 0 } folder
        ? folder
        : throw new InvalidOperationException("PIPEFORKAS_PACKAGES does not name the folder of the packages; tests/run.sh sets it");

    /// <summary>How this machine reaches its registry, and what keeps the SDK quiet.</summary>
    private static readonly string[] Settings =
    [
        $"HOME={Home}", "DOTNET_CLI_TELEMETRY_OPTOUT=1", "TESTINGPLATFORM_TELEMETRY_OPTOUT=1", "DOTNET_GENERATE_ASPNET_CERTIFICATE=false",
        .. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Where(variable => IsOfRegistry((string)variable.Key))
            .Select(variable => $"{variable.Key}={variable.Value}"),
    ];

    private readonly List<string> times = [];

    [Fact(Timeout = 2 * Bound.Test)]
    public async Task The_commands_of_README_and_of_the_templates_lead_from_the_packages_to_an_answer()
    {
        // The shared container tells whether there can be one.
        Assert.NotNull(system.Inside);
        (Container? booted, string reason) = await Container.BootAsync(hasNetwork: true);
        await using Container inside = booted ?? throw new InvalidOperationException(reason);
        await BootedSystem.PrepareAsync(inside);
        await inside.MustAsync("dpkg", "--install", "/root/pipeforkas.deb");
        await LayOutAsync(inside);

        // Install the templates, and make a job host. tests/run.sh ran the first command, which builds the packages.
        string[] commands =
        [
            .. Page.Commands("README.md", "Write a job")
                .TakeWhile(command => !command.StartsWith("dotnet run", StringComparison.Ordinal)),
        ];
        Assert.Equal("packaging/pack.sh", commands[0]);
        Assert.Equal("dotnet new pipeforkas-jobs -n panel-jobs", commands[^1]);
        foreach (string command in commands[1..])
            await MustAsync(inside, Clone, command);

        // Its own commands: test, publish, install, ask.
        string project = $"{Clone}/panel-jobs";
        string[] own = Page.Commands(inside.PathOf($"{project}/README.md"));
        string[] answers = new string[own.Length];
        for (int i = 0; i < own.Length; i++)
            answers[i] = await MustAsync(inside, project, own[i]);
        Assert.Contains("Passed", answers[Array.IndexOf(own, "dotnet test")], StringComparison.OrdinalIgnoreCase);
        Assert.Equal([$"{BootedSystem.Alice}\n", "{\"Text\":\"Hello, World\"}\n", "HELLO\n"], answers[^3..]);
        Assert.Contains("uid=", await MustAsync(inside, project, "pipeforkas run id"));

        // A client, and one for .NET 8, which runs with the runtime of .NET 8.
        await MustAsync(inside, Clone, "dotnet new pipeforkas-client -n panel-client");
        string[] asked = Page.Commands(inside.PathOf($"{Clone}/panel-client/README.md"));
        Assert.Equal(["dotnet run -- id"], asked);
        Assert.Contains($"({BootedSystem.Alice})", await MustAsync(inside, $"{Clone}/panel-client", asked[0]));
        await MustAsync(inside, Clone, "dotnet new pipeforkas-client -n Panel.Client-8 --framework net8.0");
        await MustAsync(inside, $"{Clone}/Panel.Client-8", "dotnet publish -r linux-x64 --self-contained -o out");
        Assert.Contains("Hello, World", await MustAsync(inside, $"{Clone}/Panel.Client-8", "out/Panel.Client-8 greet Name=World"));
        ToolResult refused = await RunAsync(inside, $"{Clone}/Panel.Client-8", "out/Panel.Client-8 greet Nam=World");
        Assert.Equal((1, "the job has no argument Nam; it has Name\n"), (refused.ExitCode, refused.Error));

        // Names with dots, dashes and a digit in front.
        await MustAsync(inside, Clone, "dotnet new pipeforkas-jobs -n 2nd.panel-jobs");
        await MustAsync(inside, $"{Clone}/2nd.panel-jobs", "dotnet test");
        Console.WriteLine($"measured: {string.Join(", ", times)}");
    }

    private static bool IsOfRegistry(string name) =>
        name.StartsWith("NUGET_CERT", StringComparison.Ordinal) || name.StartsWith("SSL_CERT", StringComparison.Ordinal)
        || name.EndsWith("_proxy", StringComparison.OrdinalIgnoreCase);

    /// <summary>A clone after packaging/pack.sh, in the home of a user who has nothing else.</summary>
    private static async Task LayOutAsync(Container inside)
    {
        string place = inside.PathOf($"{Clone}/artifacts/packages");
        Directory.CreateDirectory(place);
        foreach (string file in Directory.GetFiles(Packages, "*.nupkg"))
            File.Copy(file, Path.Combine(place, Path.GetFileName(file)));

        // Where this machine's NuGet knows its registry by a file, so does the user's.
        const string Sources = ".nuget/NuGet/NuGet.Config";
        if (File.Exists(inside.PathOf($"/root/{Sources}")))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(inside.PathOf($"{Home}/{Sources}"))!);
            File.Copy(inside.PathOf($"/root/{Sources}"), inside.PathOf($"{Home}/{Sources}"));
        }

        await inside.MustAsync("chown", "-R", $"{BootedSystem.Alice}:{BootedSystem.Alice}", Home);
    }

    private async Task<string> MustAsync(Container inside, string folder, string command)
    {
        ToolResult ran = await RunAsync(inside, folder, command);
        Assert.True(ran.ExitCode == 0, $"{command}: {ran.ExitCode}: {ran.Error}{ran.Text}");
        return ran.Text;
    }

    /// <summary>Runs a command as the user, or as root after sudo, which is not installed everywhere.</summary>
    private async Task<ToolResult> RunAsync(Container inside, string folder, string command)
    {
        const string Sudo = "sudo ";
        bool isRoots = command.StartsWith(Sudo, StringComparison.Ordinal);
        string line = isRoots ? command[Sudo.Length..] : command;
        long start = Stopwatch.GetTimestamp();
        ToolResult ran = await inside.RunAsAsync(
            isRoots ? "root" : BootedSystem.Alice, ["env", "-C", folder, .. Settings, "bash", "-c", line], limit: Limit);
        times.Add(string.Create(CultureInfo.InvariantCulture, $"{command}: {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s"));
        return ran;
    }
}
