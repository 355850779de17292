using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Boot;

/// <summary>Tests the command with -H between two machines.</summary>
public sealed class RemoteHostTests(TwoHosts hosts) : IClassFixture<TwoHosts>
{
    [Theory(Timeout = Bound.Test)]
    [InlineData("far")]
    [InlineData("restricted")]
    [InlineData("shared")]
    [InlineData("jump")]
    public async Task A_job_runs_on_the_other_machine_as_the_account_that_ssh_logged_in(string host)
    {
        ToolResult where = await hosts.CommandAsync("-H", host, "run", "where");
        ToolResult id = await hosts.CommandAsync("-H", host, "run", "id");

        Assert.Equal((0, "far\n", ""), (where.ExitCode, where.Text, where.Error));
        Assert.StartsWith($"uid={BootedSystem.BobId}(bob)", id.Text, StringComparison.Ordinal);
        Assert.Equal(126, (await hosts.CommandAsync("-H", host, "run", "-u", "alice", "id")).ExitCode);
        Assert.Equal("near\n", (await hosts.CommandAsync("-H", "", "run", "where")).Text);
        await hosts.NothingIsLeftAsync();
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("far")]
    [InlineData("shared")]
    [InlineData("jump")]
    public async Task A_killed_ssh_or_command_leaves_no_job_on_the_other_machine(string host)
    {
        foreach (string victim in (string[])["^ssh .* pipeforkas dial", "^pipeforkas -H"])
        {
            Task<ToolResult> running = hosts.CommandAsync("-H", host, "run", "-n", "wait");
            await JobRunsAsync();
            await hosts.Near.MustAsync("pkill", "-KILL", "--full", victim);
            await running;
            await hosts.NothingIsLeftAsync();
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_network_that_is_gone_ends_the_command_and_cancels_the_job()
    {
        Task<ToolResult> running = hosts.CommandAsync("-H", "far", "run", "-n", "wait");
        await JobRunsAsync();
        await hosts.SetNetworkAsync(isUp: false);
        try
        {
            ToolResult ended = await running;
            Assert.Equal((125, "ready\n"), (ended.ExitCode, ended.Text));
            Assert.Contains("ssh to far failed: ", ended.Error, StringComparison.Ordinal);
            await hosts.NothingIsLeftAsync();
        }
        finally
        {
            await hosts.SetNetworkAsync(isUp: true);
        }
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("command", "shared")]
    [InlineData("python", "shared")]
    [InlineData("node", "shared")]
    public async Task A_client_passes_every_case_that_does_not_need_root_on_the_other_machine(string client, string host)
    {
        Container far = hosts.Far;
        string program = client == "node" ? "/usr/bin/node" : "/usr/bin/python3";
        Assert.SkipUnless(File.Exists(far.PathOf(program)), $"{program} is not installed; install it to play the client");
        ToolResult played = await far.RunAsync(
            "python3", $"{TwoHosts.Conformance}/tests/clients/conformance.py", "--native", $"{TwoHosts.Conformance}/native",
            "--user", BootedSystem.Bob, "--other", BootedSystem.Alice, "--remote", $"ssh://{host}", "--runner-host", "near", client);

        Assert.True(played.ExitCode == 0, played.Text + played.Error);
        string line = played.Text.Split('\n').First(line => line.StartsWith($"{client}: ", StringComparison.Ordinal));
        Console.WriteLine($"measured: between two machines, {line}");
        await hosts.NothingIsLeftAsync();
    }

    private Task<string> JobRunsAsync() => Bound.UntilAsync(
        async () => (await hosts.StatusAsync()).Contains("\"job\":\"wait\"", StringComparison.Ordinal) ? "" : null,
        () => "the job does not run");
}
