using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Boot;

/// <summary>The examples of the package, by the commands of their pages, word for word.</summary>
public sealed partial class ExampleTests(BootedSystem system)
{
    private const string Examples = "/usr/share/doc/pipeforkas/examples";

    private static readonly string[] Tested = ["audit", "backup", "files-page", "panel", "prometheus", "transports"];

    [Fact(Timeout = Bound.Test)]
    public async Task Each_example_has_its_test()
    {
        Container inside = await system.FreshAsync();
        string folders = await inside.MustAsync("find", Examples, "-mindepth", "1", "-type", "d", "-printf", "%f\\n");
        Assert.Equal(Tested, folders.Split('\n').Order(StringComparer.Ordinal));
        string overview = await File.ReadAllTextAsync(inside.PathOf($"{Examples}/README.md"));
        Assert.All(Tested, name => Assert.Contains($"[{name}]({name}/README.md)", overview, StringComparison.Ordinal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Git_sftp_and_rsync_work_in_the_files_of_the_user()
    {
        Container inside = await StartAsync("/root/site", "/home/alice/site.git", "/home/alice/www");
        await inside.RunAsAsync(BootedSystem.Alice, ["sh", "-c", "git init -q --bare -b main ~/site.git && mkdir ~/www"]);
        await inside.RunAsAsync(
            BootedSystem.Alice,
            ["sh", "-c", "cd && git clone -q site.git work && cd work && echo hello >index.html && git add . "
                + "&& git -c user.name=a -c user.email=a@example.org commit -q -m first && git push -q origin HEAD:main && rm -r ~/work"]);

        await FollowAsync(inside, "transports");

        Assert.Equal("hello", await inside.MustAsync("cat", "/home/alice/www/index.html"));
        Assert.Equal("alice alice", await inside.MustAsync("stat", "-c", "%U %G", "/home/alice/www/index.html"));
        Assert.Equal(await inside.MustAsync("cat", "/etc/hostname"), await inside.MustAsync("cat", "/home/alice/www/host"));
        ToolResult refused = await inside.RunAsync("rsync", "-rt", "--delete", "-e", "pipeforkas-rsh", "/root/site/", "alice:www/");
        Assert.Contains("pipeforkas-rsh: rsync passes one folder and only short options here", refused.Error, StringComparison.Ordinal);
        ToolResult injected = await inside.RunAsAsync(
            BootedSystem.Alice, ["pipeforkas", "run", "rsync-sender", "flags=--log-file=/tmp/x", "folder=."]);
        Assert.Equal(125, injected.ExitCode);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_panel_works_in_web_folders_of_customers_who_consented_and_nowhere_else()
    {
        Container inside = await StartAsync("/home/alice/.config", "/home/alice/www", "/home/alice/.ssh");
        await inside.RunAsAsync(
            BootedSystem.Alice,
            ["sh", "-c", "umask 077; cd; mkdir www .ssh; echo page >www/index.html; echo secret >.ssh/id; ln -s ../.ssh/id www/link"]);
        try
        {
            await FollowAsync(inside, "panel", upTo: 1);
            Assert.Equal(126, (await PanelAsync("read-file", "path=www/index.html")).ExitCode);
            string shown = await FollowAsync(inside, "panel", from: 1);

            Assert.Contains("panel", shown, StringComparison.Ordinal);
            Assert.Equal("page\n", (await PanelAsync("read-file", "path=www/index.html")).Text);
            Assert.Equal(126, (await PanelAsync("write-file", "path=www/index.html")).ExitCode); // The consent is for read-* alone.
            Assert.Equal(126, (await PanelAsync("read-file", "path=.ssh/id")).ExitCode);
            Assert.Equal(126, (await PanelAsync("read-file", "path=/proc/self/root/home/alice/.ssh/id")).ExitCode);
            ToolResult linked = await PanelAsync("read-file", "path=www/link");
            Assert.True(linked.ExitCode != 0 && linked.Text.Length == 0, linked.Text + linked.Error);
            ToolResult other = await system.CommandAsync(BootedSystem.Bob, "run", "-u", "alice", "read-file", "path=www/index.html");
            Assert.Equal(126, other.ExitCode);
        }
        finally
        {
            await inside.MustAsync("groupdel", "customers");
        }

        Task<ToolResult> PanelAsync(params string[] job) => inside.RunAsAsync("www-data", ["pipeforkas", "run", "--user", "alice", .. job]);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_backup_is_written_at_once_by_its_timer_and_by_cron()
    {
        Container inside = await StartAsync("/root/alice.tar.gz", "/var/backups/home-alice.tar.gz");
        await inside.RunAsAsync(BootedSystem.Alice, ["sh", "-c", "echo mine >~/mine"]);
        try
        {
            await inside.MustAsync("mkdir", "-p", "/etc/cron.d");
            await FollowAsync(inside, "backup");
            Assert.Contains("pipeforkas-backup@alice.service", await inside.MustAsync("systemctl", "list-timers", "--no-pager"));
            foreach (string archive in new[] { "/root/alice.tar.gz", "/var/backups/home-alice.tar.gz" })
                Assert.Equal("mine", await inside.MustAsync("tar", "-xzOf", archive, "./mine"));
            Assert.Equal("600 root", await inside.MustAsync("stat", "-c", "%a %U", "/var/backups/home-alice.tar.gz"));

            await inside.MustAsync("rm", "/var/backups/home-alice.tar.gz");
            await FollowCronAsync(inside, "/etc/cron.d/pipeforkas-backup");
            Assert.Equal("mine", await inside.MustAsync("tar", "-xzOf", "/var/backups/home-alice.tar.gz", "./mine"));
            Assert.Equal("600 root", await inside.MustAsync("stat", "-c", "%a %U", "/var/backups/home-alice.tar.gz"));
        }
        finally
        {
            await inside.MustAsync("sh", "-c", "rm -f /etc/cron.d/pipeforkas-backup");
            await inside.MustAsync("systemctl", "disable", "--now", "pipeforkas-backup@alice.timer");
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Prometheus_gets_whole_files_of_metrics()
    {
        const string Folder = "/var/lib/prometheus/node-exporter";
        Container inside = await StartAsync(Folder);
        await system.AskAsync(BootedSystem.Bob, """{"job":"id","user":"alice"}""");
        try
        {
            await FollowAsync(inside, "prometheus");
            string metrics = await inside.MustAsync("cat", $"{Folder}/pipeforkas.prom");
            Assert.Contains("\npipeforkas_denials_total{rule=\"\"} 1\n", metrics, StringComparison.Ordinal);
            const string Up = "\npipeforkas_job_host_up{path=\"/usr/libexec/pipeforkas/pipeforkas-jobs\"} 1\n";
            Assert.Contains(Up, metrics, StringComparison.Ordinal);
            Assert.Contains("pipeforkas-metrics.service", await inside.MustAsync("systemctl", "list-timers", "--no-pager"));
        }
        finally
        {
            await inside.MustAsync("systemctl", "disable", "--now", "pipeforkas-metrics.timer");
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Records_are_in_the_file_and_found_in_the_journal()
    {
        const string Log = "/var/log/pipeforkas/audit.json";
        const string Traced = """{"job":"id","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}""";
        Container inside = await StartAsync(Log, $"{Log}.1");
        await inside.RunAsAsync("www-data", ["pipeforkas", "run", "--user", "alice", "id"]);
        await system.AskAsync(BootedSystem.Alice, Traced);
        await FollowAsync(inside, "audit", upTo: 1);
        await system.UntilAsync(
            async () => (await inside.RunAsync("grep", "-c", "\"job\":\"id\"", $"{Log}.1")).ExitCode == 0, "the file has no record");
        JsonNode record = JsonNode.Parse((await inside.MustAsync("grep", "-m1", "\"job\":\"id\"", $"{Log}.1")).Split('\n')[0])!;
        Assert.Equal(("Ran", "alice"), ((string?)record["event"], (string?)record["user"]));

        string shown = "";
        await system.UntilAsync(
            async () => (shown = await FollowAsync(inside, "audit", from: 1)).Contains("run id as alice: ok", StringComparison.Ordinal),
            "the journal has no record");
        Assert.Contains("run id as alice: denied: ", shown, StringComparison.Ordinal);
        Assert.Contains("\"PIPEFORKAS_EVENT\":\"Denied\"", shown, StringComparison.Ordinal);
        string trace = Blocks(inside, "audit")[1].Split('\n').Single(line => line.Contains("TRACE_ID", StringComparison.Ordinal));
        string ofTrace = await inside.MustAsync("sh", "-c", trace);
        Assert.Contains("uid 48001: run id as alice: ok", ofTrace, StringComparison.Ordinal);
    }

    /// <summary>Begins with the daemon as the package installs it, without the files of examples.</summary>
    private async Task<Container> StartAsync(params string[] files)
    {
        Container inside = system.Inside;
        if (files.Length > 0)
            await inside.MustAsync(["rm", "-rf", .. files]);
        return await system.FreshAsync();
    }

    /// <summary>Runs the commands of a page, which must succeed, as root in the folder of the page. Returns what they wrote.</summary>
    private static async Task<string> FollowAsync(Container inside, string example, int from = 0, int? upTo = null)
    {
        string output = "";
        string[] blocks = Blocks(inside, example);
        foreach (string block in blocks[from..(upTo ?? blocks.Length)])
            output += await inside.MustAsync("sh", "-c", $"cd {Examples}/{example} && set -ex\n{block}");
        return output;
    }

    /// <summary>Runs what a file in /etc/cron.d runs at its time, with the environment that cron gives it: crontab(5).</summary>
    private static async Task FollowCronAsync(Container inside, string file)
    {
        // cron ignores other names, files that others can write, and a last line without its end.
        Assert.Matches("^[A-Za-z0-9_-]+$", Path.GetFileName(file));
        Assert.Equal("644 root", await inside.MustAsync("stat", "-c", "%a %U", file));
        string content = await File.ReadAllTextAsync(inside.PathOf(file));
        Assert.EndsWith("\n", content, StringComparison.Ordinal);
        string[] lines = [.. content.Split('\n').Where(line => line.Length > 0 && line[0] != '#')];
        string[] settings = [.. lines.Where(line => CronSetting().IsMatch(line))];
        Match entry = CronEntry().Match(Assert.Single(lines.Except(settings)));
        Assert.True(entry.Success && !entry.Groups["command"].Value.Contains('%', StringComparison.Ordinal), content);
        Assert.Equal("root", entry.Groups["user"].Value);
        await inside.MustAsync(["env", "-i", "HOME=/root", .. settings, "sh", "-c", entry.Groups["command"].Value]);
    }

    private static string[] Blocks(Container inside, string example)
    {
        string page = File.ReadAllText(inside.PathOf($"{Examples}/{example}/README.md"));
        string[] blocks = [.. CodeBlock().Matches(page).Select(block => block.Groups["code"].Value)];
        Assert.NotEmpty(blocks);
        return blocks;
    }

    [GeneratedRegex("^```sh\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("^[A-Z]+=")]
    private static partial Regex CronSetting();

    [GeneratedRegex(@"^(?:[0-9*]\S*\s+){5}(?<user>\w+)\s+(?<command>.+)$")]
    private static partial Regex CronEntry();
}
