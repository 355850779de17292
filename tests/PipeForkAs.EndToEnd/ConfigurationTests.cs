using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd;

public sealed class ConfigurationTests : IDisposable
{
    private const int ExitFailure = 1;
    private const int ExitConfiguration = 78;
    private readonly string folder;
    private readonly JsonObject configuration;

    public ConfigurationTests() => (folder, configuration) = DaemonProcess.Prepare();

    private string ConfigurationFile => Path.Combine(folder, "pipeforkas.json");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact(Timeout = Bound.Test)]
    public async Task A_valid_configuration_passes_the_check()
    {
        ToolResult result = await RunAsync("--check-config");
        Assert.Equal((0, $"{ConfigurationFile}: valid\n", ""), (result.ExitCode, result.Text, result.Error));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_unknown_key_is_reported_with_its_file_and_a_suggestion()
    {
        configuration["Limits"]!["MaxJob"] = 3;
        await RefusedAsync($"{ConfigurationFile}: Limits:MaxJob: unknown key; did you mean \"MaxJobs\"?");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task All_problems_are_reported_at_once()
    {
        configuration["Limits"]!["MaxJobs"] = 0;
        configuration["Limits"]!["KillGrace"] = "01:00:00";
        configuration["JobHosts"]![0]!["Workers"] = 257;
        await RefusedAsync(
            $"{ConfigurationFile}: Limits:MaxJobs: is 0, must be from 1 to 10000",
            $"{ConfigurationFile}: Limits:KillGrace: is 01:00:00, must be from 00:00:00 to 00:10:00",
            $"{ConfigurationFile}: JobHosts:0:Workers: must be from 0 to 256");
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("MaxJobs", "many")]
    [InlineData("JobTimeout", "soon")]
    [InlineData("MaxJobs", "99999999999999999999")]
    public async Task A_value_of_the_wrong_type_is_reported_with_its_key(string key, string value)
    {
        configuration["Limits"]![key] = value;
        await RefusedAsync($"{ConfigurationFile}: ", $"Limits:{key}");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Invalid_JSON_is_rejected()
    {
        await File.WriteAllTextAsync(ConfigurationFile, "{ \"Limits\": ");
        Libc.chmod(ConfigurationFile, 0x1A4);
        Refused(await Tool.RunAsync([NativeBuild.Daemon, "--config", ConfigurationFile]), ConfigurationFile);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_missing_file_is_rejected() =>
        Refused(await Tool.RunAsync([NativeBuild.Daemon, "--config", Path.Combine(folder, "none.json")]),
            Path.Combine(folder, "none.json"), "there is no such file");

    [Fact(Timeout = Bound.Test)]
    public async Task A_file_that_other_users_can_write_is_rejected()
    {
        Write();
        Libc.chmod(ConfigurationFile, 0x1B6); // 0666
        Refused(await CheckAsync(), $"{ConfigurationFile} can be written by users other than root; remove that (chmod go-w)");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_file_of_another_user_is_rejected()
    {
        Write();
        await Tool.MustAsync("chown", TestUsers.Alice, ConfigurationFile);
        Refused(await CheckAsync(), $"{ConfigurationFile} belongs to uid {TestUsers.AliceUid}; it must belong to root");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_file_in_a_folder_that_other_users_can_write_is_rejected()
    {
        Write();
        Libc.chmod(folder, 0x1FF); // 0777
        Refused(await CheckAsync(), $"{folder} can be written by users other than root");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_link_is_followed_before_its_target_is_checked()
    {
        Write();
        string target = Path.Combine(folder, "target.json"), link = Path.Combine(folder, "link.json");
        File.Move(ConfigurationFile, target);
        File.CreateSymbolicLink(link, target);
        Assert.Equal(0, (await Tool.RunAsync([NativeBuild.Daemon, "--check-config", "--config", link])).ExitCode);
        Libc.chmod(target, 0x1B6); // 0666
        Refused(await Tool.RunAsync([NativeBuild.Daemon, "--check-config", "--config", link]), $"{target} can be written by users other");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_host_that_other_users_can_write_is_rejected()
    {
        string host = CopyOfJobHost(0x1FF); // 0777
        await RefusedAsync($"JobHosts:0:Path: {host} can be written by users other than root");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_host_of_another_user_is_rejected()
    {
        string host = CopyOfJobHost(0x1ED); // 0755
        await Tool.MustAsync("chown", TestUsers.Alice, host);
        await RefusedAsync($"JobHosts:0:Path: {host} belongs to uid {TestUsers.AliceUid}");
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("relative/path", ": it must be an absolute path")]
    [InlineData("/no/such/job-host", ": there is no such file")]
    [InlineData("/tmp", ": it is not a regular file but a Directory")]
    [InlineData("/dev/null", " can be written by users other than root")]
    public async Task A_path_that_cannot_be_a_job_host_is_rejected(string path, string problem)
    {
        configuration["JobHosts"]![0]!["Path"] = path;
        await RefusedAsync($"JobHosts:0:Path: {path}{problem}");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_host_that_is_not_executable_is_rejected()
    {
        string host = CopyOfJobHost(0x1A4); // 0644
        await RefusedAsync($"JobHosts:0:Path: {host}:", "chmod +x");
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("/bin/true")]
    [InlineData("/bin/false")]
    [InlineData("/bin/cat")]
    public async Task A_program_that_is_not_a_job_host_fails_the_start(string path)
    {
        configuration["JobHosts"]![0]!["Path"] = path;
        await FailsAsync($"the job host {path} cannot serve: it ");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_host_on_the_common_runtime_fails_the_start_with_the_reason()
    {
        string managed = Path.Combine(
            AppContext.BaseDirectory.Replace("PipeForkAs.EndToEnd", "PipeForkAs.TestJobs", StringComparison.Ordinal),
            "pipeforkas-test-jobs");
        Assert.True(File.Exists(managed), $"{managed} is not built");

        // The daemon kills it, and its debugger's pipes would stay in /tmp.
        string host = Path.Combine(folder, "host");
        await File.WriteAllTextAsync(host, $"#!/bin/sh\nDOTNET_EnableDiagnostics=0 exec '{managed}' \"$@\"\n");
        Libc.chmod(host, 0x1ED); // 0755
        configuration["JobHosts"]![1]!["Path"] = host;
        await FailsAsync($"the job host {host} cannot serve: ", "must be native code");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_duplicate_job_host_is_rejected()
    {
        configuration["JobHosts"]![1]!["Path"] = NativeBuild.StockJobs;
        await RefusedAsync($"{ConfigurationFile}: JobHosts:1:Path: {NativeBuild.StockJobs} is in JobHosts twice; remove one");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_command_with_the_name_of_a_job_is_rejected()
    {
        configuration["Commands"]!["id"] = new JsonObject { ["Command"] = new JsonArray("/usr/bin/id") };
        await RefusedAsync($"{ConfigurationFile}: Commands:id: the command has the name of a job of {NativeBuild.StockJobs}; rename it");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_socket_in_a_missing_folder_fails_the_start()
    {
        configuration["Socket"]!["Path"] = "/no/such/folder/pipeforkas.sock";
        await FailsAsync("cannot listen on /no/such/folder/pipeforkas.sock");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_daemon_that_does_not_run_as_root_reports_it()
    {
        Write();
        ToolResult result = await Tool.RunAsAsync(TestUsers.Alice, [NativeBuild.Daemon, "--config", ConfigurationFile]);
        Assert.Equal(ExitFailure, result.ExitCode);
        Assert.Contains("not running as root", result.Error);
    }

    private string CopyOfJobHost(uint mode)
    {
        string copy = Path.Combine(folder, "job-host");
        File.Copy(NativeBuild.StockJobs, copy);
        Libc.chmod(copy, mode);
        configuration["JobHosts"]![0]!["Path"] = copy;
        return copy;
    }

    /// <summary>The check and the start both reject it.</summary>
    private async Task RefusedAsync(params string[] words)
    {
        Write();
        Refused(await CheckAsync(), words);
        Refused(await Tool.RunAsync([NativeBuild.Daemon, "--config", ConfigurationFile]), words);
    }

    /// <summary>The check of the files cannot find it. The daemon exits, and nothing of it is left.</summary>
    private async Task FailsAsync(params string[] words)
    {
        Write();
        ToolResult result = await Tool.RunAsync([NativeBuild.Daemon, "--config", ConfigurationFile]);
        Assert.Equal(ExitFailure, result.ExitCode);
        Assert.All(words, word => Assert.Contains(word, result.Error));
        Assert.DoesNotContain("   at ", result.Error);
        Assert.False(File.Exists(Path.Combine(folder, "pipeforkas.sock")));
    }

    private static void Refused(ToolResult result, params string[] words)
    {
        Assert.Equal(ExitConfiguration, result.ExitCode);
        Assert.All(words, word => Assert.Contains(word, result.Error));
        Assert.All(
            result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Matches("^(pipeforkasd|info|warn): ", line));
    }

    private async Task<ToolResult> RunAsync(params string[] arguments)
    {
        Write();
        return await Tool.RunAsync([NativeBuild.Daemon, .. arguments, "--config", ConfigurationFile]);
    }

    private Task<ToolResult> CheckAsync() => Tool.RunAsync([NativeBuild.Daemon, "--check-config", "--config", ConfigurationFile]);

    private void Write()
    {
        File.WriteAllText(ConfigurationFile, configuration.ToJsonString());
        Libc.chmod(ConfigurationFile, 0x1A4); // 0644
    }
}
