using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests Wrong/configurations.txt: the check and the start report the same for each, in a line with file, key and remedy.
/// </summary>
public sealed class WrongConfigurationTests : IDisposable
{
    private const string WholeFile = "file:";
    private readonly string folder;
    private readonly JsonObject sound;

    public WrongConfigurationTests()
    {
        (folder, sound) = DaemonProcess.Prepare();
        sound["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.StockJobs, ["Workers"] = 1 });
        sound["Limits"] = new JsonObject();
    }

    public static TheoryData<string> Titles => [.. Cases.Select(wrong => wrong.Title)];

    private static (string Title, string Text, string[] Lines)[] Cases { get; } = Read();

    private string ConfigurationFile => Path.Combine(folder, "pipeforkas.json");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void There_are_at_least_forty_different_invalid_configurations()
    {
        Assert.True(Cases.Length >= 40, $"there are {Cases.Length}");
        Assert.Equal(Cases.Length, Cases.Select(wrong => wrong.Title).Distinct().Count());
        Assert.All(Cases, wrong => Assert.NotEmpty(wrong.Lines));
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Titles))]
    public async Task The_check_and_the_start_report_the_same_problems(string title)
    {
        (_, string text, string[] lines) = Cases.Single(wrong => wrong.Title == title);
        Write(text);
        string[] refusals = [.. lines.Where(line => line.StartsWith("> ", StringComparison.Ordinal)).Select(line => Filled(line[2..]))];
        string[] warnings = [.. lines.Where(line => line.StartsWith("? ", StringComparison.Ordinal)).Select(line => Filled(line[2..]))];

        ToolResult check = await Tool.RunAsync([NativeBuild.Daemon, "--check-config", "--config", ConfigurationFile]);
        string[] expected =
            [.. refusals.Select(line => $"pipeforkasd: {line}"), .. warnings.Select(line => $"pipeforkasd: warning: {line}")];
        Assert.Equal(expected, check.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(refusals.Length == 0, check.ExitCode == 0);

        string own = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;
        await using DaemonProcess daemon = DaemonProcess.Launch(own, "--config", ConfigurationFile);
        if (refusals.Length == 0)
        {
            await Crowd.ListeningAsync(daemon);
            Assert.All(warnings, line => Assert.Contains(line, daemon.Log));
            Assert.Equal(0, await daemon.StopAsync());
            return;
        }

        // 78: systemd does not try again. A job host that ends or a missing folder may be temporary.
        int exitCode = await daemon.EndedAsync();
        Assert.True(exitCode is 78 or 1, $"the start ended with {exitCode}");
        Assert.Equal(
            refusals.Select(line => $"pipeforkasd: {line}"),
            daemon.Log.Split('\n').Where(line => line.StartsWith("pipeforkasd: ", StringComparison.Ordinal)));
        Assert.DoesNotContain("   at ", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_job_hosts_the_check_reports_only_problems_of_the_files()
    {
        Write("""{ "Jobs": { "nosuch": { "OutputLimit": 5 } } }""");
        ToolResult result = await Tool.RunAsync([NativeBuild.Daemon, "--check-config", "--no-hosts", "--config", ConfigurationFile]);
        Assert.Equal((0, $"{ConfigurationFile}: valid\n", ""), (result.ExitCode, result.Text, result.Error));
    }

    private static (string Title, string Text, string[] Lines)[] Read() =>
    [
        .. File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Wrong", "configurations.txt")).Split("\n== ").Skip(1)
            .Select(part => part.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Select(lines => (lines[0], lines[1], lines[2..])),
    ];

    private void Write(string text)
    {
        string filled = Filled(text);
        if (filled.StartsWith(WholeFile, StringComparison.Ordinal))
        {
            File.WriteAllText(ConfigurationFile, filled[WholeFile.Length..]);
        }
        else
        {
            foreach ((string key, JsonNode? value) in JsonNode.Parse(filled)!.AsObject())
                sound[key] = value?.DeepClone();
            File.WriteAllText(ConfigurationFile, sound.ToJsonString());
        }

        Libc.chmod(ConfigurationFile, 0x1A4); // 0644
    }

    private string Filled(string text) => text
        .Replace("{file}", ConfigurationFile, StringComparison.Ordinal).Replace("{folder}", folder, StringComparison.Ordinal)
        .Replace("{home}", TestUsers.Entry(TestUsers.Alice).Home, StringComparison.Ordinal)
        .Replace("{uid}", TestUsers.AliceUid, StringComparison.Ordinal).Replace("{jobs}", NativeBuild.StockJobs, StringComparison.Ordinal);
}
