using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Boot;

/// <summary>Tests the service as the package installs it, without any configuration.</summary>
public sealed class ServiceTests(BootedSystem system)
{
    [Fact(Timeout = Bound.Test)]
    public async Task The_service_applies_the_built_in_policy_without_a_configuration()
    {
        Container inside = await system.FreshAsync();
        await inside.MustAsync("mv", "/etc/pipeforkas", "/etc/pipeforkas.aside");
        try
        {
            await inside.MustAsync("systemctl", "restart", "pipeforkas.service");
        }
        finally
        {
            await inside.MustAsync("mv", "/etc/pipeforkas.aside", "/etc/pipeforkas");
        }

        Assert.StartsWith(
            "uid=48001(alice) gid=48001(alice) groups=48001(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
        Assert.Contains("(alice)", (await system.CommandAsync(BootedSystem.Alice, "run", "id")).Text);
        ToolResult denied = await system.CommandAsync(BootedSystem.Bob, "run", "--user", BootedSystem.Alice, "id");
        Assert.Equal((126, ""), (denied.ExitCode, denied.Text));
        Assert.Contains("pipeforkas: denied: ", await system.AskAsync(BootedSystem.Bob, """{"job":"id","user":"alice"}"""));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_status_of_the_service_counts_served_and_refused_requests()
    {
        await system.FreshAsync();
        Assert.StartsWith("0 jobs running, 0 requests served, 0 refused; longest loop turn ", await system.PropertyAsync("StatusText"));
        await system.AskAsync(BootedSystem.Alice, """{"job":"id"}""");
        await system.AskAsync(BootedSystem.Alice, """{"job":"id"}""");
        await system.AskAsync(BootedSystem.Bob, """{"job":"id","user":"alice"}""");
        await system.UntilAsync(
            async () =>
                (await system.PropertyAsync("StatusText")).StartsWith(
                    "0 jobs running, 2 requests served, 1 refused;", StringComparison.Ordinal), "the status does not follow");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_has_its_own_control_group_below_the_service()
    {
        await system.FreshAsync("""{"Commands":{"where":{"Command":["/bin/grep","^0::","/proc/self/cgroup"]}}}""");
        Assert.Matches(
            @"^0::/system\.slice/pipeforkas\.service/job-\d+\n$", await system.AskAsync(BootedSystem.Alice, """{"job":"where"}"""));
        int daemon = await system.MainPidAsync();
        Assert.Equal("0::/system.slice/pipeforkas.service/daemon", await system.Inside.MustAsync("grep", "^0::", $"/proc/{daemon}/cgroup"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_reload_applies_a_valid_configuration_and_keeps_the_former_one_otherwise()
    {
        Container inside = await system.FreshAsync();
        int daemon = await system.MainPidAsync();
        Assert.Contains("unknown-job", await system.AskAsync(BootedSystem.Alice, """{"job":"hello"}"""));

        system.Configure("""{"Commands":{"hello":{"Command":["/bin/echo","hello"]}}}""");
        await inside.MustAsync("systemctl", "reload", "pipeforkas.service");

        // No wait is needed: the reload command ends when the daemon has applied it.
        Assert.Equal("hello\n", await system.AskAsync(BootedSystem.Alice, """{"job":"hello"}"""));

        system.Configure("""{"Commands":{"hello":{"Command":["relative"]}}}""");
        ToolResult refused = await inside.RunAsync("systemctl", "reload", "pipeforkas.service");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Equal(("active", "running"), (await system.PropertyAsync("ActiveState"), await system.PropertyAsync("SubState")));
        await system.UntilAsync(
            async () => (await system.JournalAsync()).Contains(
                "pipeforkasd: /etc/pipeforkas/conf.d/test.json: Commands:hello:Command", StringComparison.Ordinal),
            "the output of the reload is not in the journal");

        // Also a valid change of a key that cannot change while the daemon runs.
        system.Configure("""{"Socket":{"Path":"/run/pipeforkas/other.sock"}}""");
        Assert.NotEqual(0, (await inside.RunAsync("systemctl", "reload", "pipeforkas.service")).ExitCode);
        await system.UntilAsync(
            async () => (await system.JournalAsync()).Contains(
                "Socket:Path: cannot change while the daemon runs", StringComparison.Ordinal),
            "the reason is not in the journal");

        // By the signal, which does not wait for the result.
        string before = await system.JournalAsync();
        await inside.MustAsync("systemctl", "kill", "--kill-who=main", "--signal=HUP", "pipeforkas.service");
        await system.UntilAsync(
            async () => (await system.JournalAsync())[before.Length..].Contains("configuration not reloaded", StringComparison.Ordinal),
            "the reload does not fail");
        Assert.Equal("hello\n", await system.AskAsync(BootedSystem.Alice, """{"job":"hello"}"""));

        // Again with a valid configuration: a rejected one has no later effect.
        system.Configure(null);
        await inside.MustAsync("systemctl", "reload", "pipeforkas.service");
        Assert.Contains("unknown-job", await system.AskAsync(BootedSystem.Alice, """{"job":"hello"}"""));
        Assert.Equal(daemon, await system.MainPidAsync());
        await system.UntilAsync(async () => await system.PropertyAsync("ActiveState") == "active", "it is not active");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_journal_records_the_caller_its_program_and_the_request()
    {
        const string Enough = "/run/enough";
        Container inside = await system.FreshAsync();

        // The record is written after the reply, so the caller must live until then.
        const string Request = """{"job":"id","user":"alice"}""", Wait = $"until [ -e {Enough} ]; do sleep 0.1; done";
        string caller = $"(echo '{Request}'; {Wait}) | socat -t 60 - UNIX-CONNECT:{BootedSystem.Socket}";
        Task<ToolResult> asked = inside.RunAsAsync(BootedSystem.Bob, ["sh", "-c", caller]);
        string record = "";
        try
        {
            string[] show =
            [
                "journalctl", "-u", "pipeforkas.service", "-o", "json", "PIPEFORKAS_EVENT=Denied",
                "--output-fields=PIPEFORKAS_CALLER_EXE,PIPEFORKAS_CALLER_UID,PIPEFORKAS_JOB,PIPEFORKAS_USER",
            ];
            await system.UntilAsync(
                async () => (record = (await inside.RunAsync(show)).Text).Contains("PIPEFORKAS_JOB", StringComparison.Ordinal),
                "the journal has no record");
        }
        finally
        {
            inside.Write(Enough, "");
            await asked;
            inside.Remove(Enough);
        }

        foreach (string field in (string[])[
            "\"PIPEFORKAS_CALLER_EXE\":\"/usr/bin/socat", "\"PIPEFORKAS_CALLER_UID\":\"48002\"", "\"PIPEFORKAS_JOB\":\"id\"",
                "\"PIPEFORKAS_USER\":\"alice\""])
            Assert.Contains(field, record);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_user_in_thousands_of_groups_is_served_without_the_right_to_larger_socket_buffers()
    {
        Container inside = await system.FreshAsync(
            """{"Commands":{"count":{"Command":["/bin/sh","-c","id -G | wc -w; printf %s \"$1\" | wc """
            + """-c","sh","{text}"],"Parameters":{"text":{"Type":"string"}}}}}""");
        string groups = await File.ReadAllTextAsync(inside.PathOf("/etc/group"));
        try
        {
            inside.Write(
                "/etc/group",
                groups + string.Concat(Enumerable.Range(1, 25_000).Select(number => $"many{number}:x:{number + 100_000}:alice\n")));
            Assert.Equal(
                "25001\n30000\n",
                await system.AskAsync(BootedSystem.Alice, $$$"""{"job":"count","args":{"text":"{{{new string('x', 30_000)}}}"}}"""));
        }
        finally
        {
            inside.Write("/etc/group", groups);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Systemd_does_not_retry_a_rejected_configuration()
    {
        Container inside = await system.FreshAsync(start: false);
        system.Configure("""{"Unknown":1}""");
        Assert.NotEqual(0, (await inside.RunAsync("systemctl", "start", "pipeforkas.service")).ExitCode);
        Assert.Equal(
            ("failed", "78", "0"),
            (await system.PropertyAsync("ActiveState"), await system.PropertyAsync("ExecMainStatus"),
                await system.PropertyAsync("NRestarts")));
        Assert.Contains("Unknown", await system.JournalAsync());
    }
}
