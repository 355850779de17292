using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests rules that require the consent of the target user: the file of the user decides, and only a worker with the user's ids reads it.
/// </summary>
public sealed class ConsentTests : IAsyncLifetime
{
    private static readonly PasswordEntry Alice = TestUsers.Entry(TestUsers.Alice);
    private DaemonProcess daemon = null!;

    private static string ConfigFolder => Path.Combine(Alice.Home, ".config");

    private static string AllowFile => Path.Combine(ConfigFolder, "pipeforkas", "allow");

    public async ValueTask InitializeAsync() => daemon = await DaemonProcess.StartAsync(Configure);

    public async ValueTask DisposeAsync()
    {
        await using (daemon)
        {
            if (Directory.Exists(ConfigFolder))
                Directory.Delete(ConfigFolder, recursive: true);
            Assert.Equal(0, await daemon.StopAsync());
            Assert.DoesNotContain("fail:", daemon.Log);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_user_consents_to_some_jobs_of_a_caller_and_can_withdraw_at_once()
    {
        Assert.Equal(126, await BobAsync("id"));
        await WriteAsync($"# my panel\n{TestUsers.Bob} id\n");
        Assert.Equal(0, await BobAsync("id"));
        Assert.Equal(126, await BobAsync("echo"));
        await WriteAsync($"{TestUsers.Entry(TestUsers.Bob).Uid} e*\n");
        Assert.Equal((126, 0), (await BobAsync("id"), await BobAsync("echo")));
        await WriteAsync($"@{TestUsers.Bob}\n");
        Assert.Equal(0, await BobAsync("id"));
        File.Delete(AllowFile);
        Assert.Equal(126, await BobAsync("id"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_job_runs_as_the_user_and_the_consent_file_grants_no_more_than_the_rule()
    {
        await WriteAsync("*\n");
        ToolResult ran = await AsBobAsync("run", "--user", TestUsers.Alice, "id");
        Assert.StartsWith($"uid={Alice.Uid}({TestUsers.Alice})", ran.Text);
        Assert.Equal(126, (await AsBobAsync("run", "--user", "root", "id")).ExitCode);
        Assert.Equal(126, (await AsBobAsync("run", "--user", TestUsers.Alice, "cat")).ExitCode);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Only_root_can_distinguish_missing_consent_from_another_denial()
    {
        ToolResult without = await AsBobAsync("run", "--user", TestUsers.Alice, "id");
        ToolResult forbidden = await AsBobAsync("run", "--user", TestUsers.Alice, "cat");
        Assert.Equal(forbidden.Error.Replace("\"cat\"", "\"id\"", StringComparison.Ordinal), without.Error);
        ToolResult check = await AsBobAsync("check", "--explain", "--user", TestUsers.Alice, "id");
        ToolResult other = await AsBobAsync("check", "--explain", "--user", TestUsers.Alice, "cat");
        Assert.Equal(other.Text.Replace(" cat ", " id ", StringComparison.Ordinal), check.Text);
        Assert.DoesNotContain("consent", without.Error + check.Text + check.Error);

        string[] question = ["check", "--explain", "--caller", TestUsers.Bob, "--user", TestUsers.Alice, "id"];
        ToolResult root = await Tool.RunAsync([NativeBuild.Command, "--socket", daemon.Socket, .. question]);
        Assert.Equal(126, root.ExitCode);
        Assert.Contains("rule \"panel\": the user has not consented: openat(", root.Text);
        Assert.Contains("ENOENT", root.Text);
        await WriteAsync(TestUsers.Bob);
        root = await Tool.RunAsync([NativeBuild.Command, "--socket", daemon.Socket, .. question]);
        Assert.Equal(0, root.ExitCode);
        Assert.Equal(0, (await AsBobAsync("check", "--user", TestUsers.Alice, "id")).ExitCode);
    }

    /// <summary>Root could read such a file, but the worker reads it as the user and cannot.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task The_file_is_read_as_the_user()
    {
        await WriteAsync("*\n");
        Libc.chmod(AllowFile, 0);
        Assert.Equal(126, await BobAsync("id"));
        Assert.Contains("EACCES", await WhyAsync());
        Libc.chmod(AllowFile, 0x100); // 0400
        Assert.Equal(0, await BobAsync("id"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Links_FIFOs_and_files_of_other_users_give_no_consent_and_delay_nothing()
    {
        string planted = Path.Combine(daemon.Folder, "planted");
        await File.WriteAllTextAsync(planted, "*\n");
        await WriteAsync("*\n");
        File.Delete(AllowFile);
        File.CreateSymbolicLink(AllowFile, planted);
        Assert.Matches("ELOOP", await WhyAsync());
        File.Delete(AllowFile);
        await Tool.MustAsync("mkfifo", AllowFile);
        await Tool.MustAsync("chown", TestUsers.Alice, AllowFile);
        Libc.chmod(AllowFile, 0x180); // 0600
        Assert.Contains("not a regular file but a Fifo", await WhyAsync());
        await WriteAsync("*\n");
        await Tool.MustAsync("chown", TestUsers.Bob, AllowFile);
        Assert.Contains("belongs to uid", await WhyAsync());
        await WriteAsync("*\n");
        Libc.chmod(AllowFile, 0x1B6); // 0666
        Assert.Contains("can be written by", await WhyAsync());
        string moved = ConfigFolder + "-moved";
        Directory.Move(ConfigFolder, moved);
        File.CreateSymbolicLink(ConfigFolder, moved);
        Assert.Matches("ELOOP|ENOTDIR", await WhyAsync());
        File.Delete(ConfigFolder);
        Directory.Delete(moved, recursive: true);
        await WriteAsync("*\n");
        Assert.Equal(0, await BobAsync("id"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Many_consent_checks_for_one_user_leave_nothing_behind()
    {
        await WriteAsync($"{TestUsers.Bob} id\nroot id\n");
        await BobAsync("id");
        Footprint before = await Footprint.AtRestAsync(daemon);
        ReplyCode[] codes = await Crowd.ManyAsync(
            200, atOnce: 16, async i => (await RawClient.RunAsync(daemon, i % 2 == 0 ? "id" : "echo")).End.Code);
        Assert.Equal("Ok: 100, Denied: 100", Crowd.Tally(codes));
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(10));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_hanging_home_means_no_consent_at_the_deadline_and_delays_no_one_else()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        Configure(configuration);
        configuration["Limits"]!["LookupTimeout"] = "00:00:02";
        await using DaemonProcess own = await ApartDaemon.StartAsync(folder, configuration, $"hang {Alice.Home}");
        Footprint before = await Footprint.AtRestAsync(own);

        Task<FramedReply>[] hung = [.. Enumerable.Range(0, 8).Select(_ => RawClient.RunAsync(own, "id"))];
        for (int i = 0; i < 20; i++)
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(own, "id", user: TestUsers.Bob)).End.Code);
        Assert.All(hung, reply => Assert.False(reply.IsCompleted));
        Assert.All(await Task.WhenAll(hung), reply => Assert.Equal(ReplyCode.Denied, reply.End.Code));
        await Crowd.UntilAsync(
            () => own.Log, log => log.Contains("there was no answer within 2 s", StringComparison.Ordinal), TimeSpan.FromSeconds(10),
            "the reason");
        await before.RestoredAsync(own, TimeSpan.FromSeconds(20));
        Assert.Equal(0, await own.StopAsync());
    }

    private static void Configure(JsonObject configuration) => configuration["Policy"] = new JsonObject
    {
        ["Rules"] = new JsonArray(
            new JsonObject
            {
                ["Name"] = "panel",
                ["Callers"] = new JsonArray(TestUsers.Bob, "root"),
                ["Jobs"] = new JsonArray("id", "echo"),
                ["As"] = new JsonArray(TestUsers.Alice),
                ["RequireConsent"] = true,
            },
            new JsonObject
            {
                ["Name"] = "bob",
                ["Callers"] = new JsonArray("root"),
                ["Jobs"] = new JsonArray("*"),
                ["As"] = new JsonArray(TestUsers.Bob)
            }),
    };

    private static async Task WriteAsync(string content)
    {
        if (File.Exists(AllowFile))
            File.Delete(AllowFile);
        Directory.CreateDirectory(Path.GetDirectoryName(AllowFile)!);
        await File.WriteAllTextAsync(AllowFile, content);
        Libc.chmod(ConfigFolder, 0x1ED);
        Libc.chmod(Path.GetDirectoryName(AllowFile)!, 0x1ED);
        Libc.chmod(AllowFile, 0x1A4);
        await Tool.MustAsync("chown", "-R", $"{TestUsers.Alice}:", ConfigFolder);
    }

    /// <summary>The reason for a denial, as shown to root; a request by the panel must be denied as well.</summary>
    private async Task<string> WhyAsync()
    {
        Assert.Equal(126, await BobAsync("id"));
        ToolResult check = await Tool.RunAsync(
            [NativeBuild.Command, "--socket", daemon.Socket, "check", "--json", "--caller", TestUsers.Bob, "--user", TestUsers.Alice,
                "id"]);
        CheckResult result = JsonSerializer.Deserialize(check.Output, CheckResultJson.Default.CheckResult)!;
        Assert.False(result.Allowed);
        return result.Rules![0].Outcome;
    }

    private async Task<int> BobAsync(string job) =>
        (await AsBobAsync(["run", "--user", TestUsers.Alice, job, .. job == "echo" ? (string[])["text=hello"] : []])).ExitCode;

    private Task<ToolResult> AsBobAsync(params string[] words) =>
        Tool.RunAsAsync(TestUsers.Bob, [NativeBuild.Command, "--socket", daemon.Socket, .. words]);
}
