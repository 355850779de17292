using System.Globalization;
using System.Text;
using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Boot;

/// <summary>Tests installation, upgrade and removal of the package in a separate container.</summary>
public sealed class PackageTests(BootedSystem system)
{
    public static TheoryData<string> Packages => [BootedSystem.Package, BootedSystem.PythonPackage];

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Packages))]
    public async Task Lintian_finds_no_error(string package)
    {
        // lintian leaves files in the folder for temporary files.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeforkas-lintian-");
        try
        {
            ToolResult found = await Tool.RunAsync(
                ["env", $"TMPDIR={folder.FullName}", "lintian", "--allow-root", "--fail-on", "error", package]);
            Assert.True(found.ExitCode == 0, found.Text + found.Error);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_package_contains_its_documentation_in_the_usual_places()
    {
        string files = await Tool.MustAsync("dpkg-deb", "--contents", BootedSystem.Package);
        string[] wanted =
        [
            "man/man1/pipeforkas.1.gz", "man/man8/pipeforkasd.8.gz", "man/man5/pipeforkas.json.5.gz", "man/man7/pipeforkas-jobs.7.gz",
                "man/man7/pipeforkas-protocol.7.gz",
            "bash-completion/completions/pipeforkas", "zsh/vendor-completions/_pipeforkas", "fish/vendor_completions.d/pipeforkas.fish",
                "doc/pipeforkas/changelog.gz",
        ];
        Assert.All(wanted, path => Assert.Contains($" ./usr/share/{path}\n", files));
        Assert.Contains(" ./etc/logrotate.d/pipeforkas\n", files);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_package_of_the_Python_client_is_installed_asks_the_daemon_and_is_removed()
    {
        Container inside = await system.FreshAsync();
        File.Copy(BootedSystem.PythonPackage, inside.PathOf("/root/python3-pipeforkas.deb"), overwrite: true);
        await inside.MustAsync("dpkg", "--install", "/root/python3-pipeforkas.deb");
        const string Ask =
            "import importlib.metadata as m, pipeforkas as p; assert m.version('pipeforkas') == p.__version__; "
            + "print(p.run('id', user='alice', check=True, text=True).stdout, end='')";
        Assert.Contains("(alice)", await inside.MustAsync("/usr/bin/python3", "-c", Ask));
        await inside.MustAsync("dpkg", "--purge", "python3-pipeforkas");
        Assert.Equal("", await inside.MustAsync("find", "/usr/lib/python3/dist-packages", "-name", "*pipeforkas*"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_package_installs_upgrades_removes_and_purges_as_Debian_policy_requires()
    {
        // The shared container shows whether this machine supports containers.
        Assert.NotNull(system.Inside);
        (Container? booted, string reason) = await Container.BootAsync();
        await using Container inside = booted ?? throw new InvalidOperationException(reason);
        await BootedSystem.PrepareAsync(inside);
        string[] before = await FilesAsync(inside);

        // From the installation to a reply.
        await inside.MustAsync("apt-get", "install", "-y", "/root/pipeforkas.deb");
        await inside.MustAsync("systemctl", "start", "pipeforkas");
        Assert.Equal("enabled\nenabled", await inside.MustAsync("systemctl", "is-enabled", "pipeforkas.service", "pipeforkas.socket"));
        Assert.Contains("(alice)", await AskAsync(inside));
        Assert.Contains("pipeforkas:x:", await inside.MustAsync("getent", "group", "pipeforkas"));
        Assert.Contains("valid", await inside.MustAsync("pipeforkasd", "--check-config"));
        await MeasureAsync(inside);

        // An upgrade keeps the configuration of the administrator, and starts the new program.
        string written = await inside.MustAsync("cat", "/etc/pipeforkas/pipeforkas.json");
        inside.Write("/etc/pipeforkas/pipeforkas.json", written + "\n// mine\n");
        string daemon = await MainPidAsync(inside);
        string started = await inside.MustAsync(
            "systemctl", "show", "--value", "-p", "ActiveEnterTimestampMonotonic", "pipeforkas.service");
        const string Next =
            "cd /root && dpkg-deb -R pipeforkas.deb next && sed -i 's/^Version: .*/&+next/' next/DEBIAN/control && echo '// newer' "
            + ">>next/etc/pipeforkas/pipeforkas.json && dpkg-deb -b next next.deb";
        await inside.MustAsync("sh", "-c", Next);
        await inside.MustAsync("apt-get", "install", "-y", "-o", "Dpkg::Options::=--force-confold", "/root/next.deb");
        Assert.EndsWith("+next", await inside.MustAsync("dpkg-query", "--show", "-f", "${Version}", "pipeforkas"));
        Assert.EndsWith("// mine", await inside.MustAsync("cat", "/etc/pipeforkas/pipeforkas.json"));
        Assert.EndsWith("// newer", await inside.MustAsync("cat", "/etc/pipeforkas/pipeforkas.json.dpkg-dist"));
        await inside.MustAsync("rm", "/etc/pipeforkas/pipeforkas.json.dpkg-dist");
        Assert.NotEqual(daemon, await MainPidAsync(inside));
        // No restart.
        Assert.Equal(
            started, await inside.MustAsync("systemctl", "show", "--value", "-p", "ActiveEnterTimestampMonotonic", "pipeforkas.service"));
        Assert.Equal("0", await inside.MustAsync("systemctl", "show", "--value", "-p", "NRestarts", "pipeforkas.service"));
        Assert.Contains("(alice)", await AskAsync(inside));

        // A removal ends the service and keeps the configuration; a purge also removes the configuration.
        await inside.MustAsync("apt-get", "remove", "-y", "pipeforkas");
        Assert.Equal("", (await inside.RunAsync("pgrep", "pipeforkas")).Text);
        Assert.Equal(
            ["/etc/pipeforkas", "/etc/pipeforkas/pipeforkas.json"],
            (await FilesAsync(inside)).Except(before).Where(path => path.StartsWith("/etc/pipeforkas", StringComparison.Ordinal)));
        Assert.False(File.Exists(inside.PathOf(BootedSystem.Socket)));
        Assert.Equal(4, (await inside.RunAsync("systemctl", "status", "pipeforkas.service")).ExitCode); // There is no such unit.
        await inside.MustAsync("apt-get", "purge", "-y", "pipeforkas");
        Assert.Empty((await FilesAsync(inside)).Except(before));
        Assert.False(Directory.Exists(inside.PathOf("/run/pipeforkas")));
        Assert.Equal("", (await inside.RunAsync("dpkg-query", "--show", "pipeforkas")).Text);
    }

    /// <summary>
    /// An invalid configuration fails a reload, but must not prevent this: the daemon would continue with the file that is compressed next.
    /// </summary>
    [Fact(Timeout = Bound.Test)]
    public async Task The_daemon_reopens_the_audit_file_after_logrotate_even_with_an_invalid_configuration()
    {
        const string Folder = "/var/log/pipeforkas", File = $"{Folder}/audit.json", Rotation = "/etc/logrotate.d/pipeforkas";
        Container inside = await system.FreshAsync($$"""{ "Audit": { "File": "{{File}}" } }""");
        Assert.Equal("750 root:root", await inside.MustAsync("stat", "-c", "%a %U:%G", Folder));
        for (int round = 1; round <= 3; round++)
        {
            if (round == 2)
                system.Configure("""{ "Audit": { "Fille": "x" } }""");
            await system.AskAsync(BootedSystem.Alice, $$"""{"job":"no-job-{{round}}"}""");
            string job = $"no-job-{round}";
            await system.UntilAsync(async () => (await inside.RunAsync("grep", "-c", job, File)).ExitCode == 0, "the file has no record");
            await inside.MustAsync("logrotate", "--force", Rotation);
            await system.UntilAsync(async () => (await inside.RunAsync("stat", File)).ExitCode == 0, "the file is not opened again");
        }

        Assert.Equal("600 root:root 0", await inside.MustAsync("stat", "-c", "%a %U:%G %s", File));
        Assert.Contains("no-job-3", await inside.MustAsync("cat", $"{File}.1"));
        Assert.Contains("no-job-2", await inside.MustAsync("zcat", $"{File}.2.gz"));
        Assert.Contains("no-job-1", await inside.MustAsync("zcat", $"{File}.3.gz"));
        Assert.Contains("configuration not reloaded", await system.JournalAsync());

        // Without a daemon there is nothing to notify.
        system.Configure(null);
        await inside.MustAsync("systemctl", "stop", "pipeforkas.socket", "pipeforkas.service");
        await inside.MustAsync("sh", "-c", $"echo '{{}}' >>{File}");
        await inside.MustAsync("logrotate", "--force", Rotation);
        await inside.MustAsync("sh", "-c", $"rm -f {File}*");
    }

    private static Task<string> MainPidAsync(Container inside) =>
        inside.MustAsync("systemctl", "show", "--value", "-p", "MainPID", "pipeforkas.service");

    private static async Task<string> AskAsync(Container inside) =>
        (await inside.RunAsAsync(
            BootedSystem.Alice, ["socat", "-t", "30", "-", $"UNIX-CONNECT:{BootedSystem.Socket}"],
            Encoding.UTF8.GetBytes("""{"job":"id"}""" + "\n"))).Text;

    /// <summary>Everything with the name of the package except in /run, which is empty after the next boot.</summary>
    private static async Task<string[]> FilesAsync(Container inside) =>
        (await inside.MustAsync("find", "/etc", "/usr", "/var", "/lib", "/opt", "-path", "*pipeforkas*")).Split(
            '\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Prints the memory of the idle service, and how long it takes to start.</summary>
    private static async Task MeasureAsync(Container inside)
    {
        await inside.MustAsync("systemctl", "restart", "pipeforkas.service");
        long[] times =
        [
            .. (await inside.MustAsync(
                "systemctl", "show", "--value", "-p", "InactiveExitTimestampMonotonic", "-p", "ActiveEnterTimestampMonotonic",
                "pipeforkas.service"))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => long.Parse(line, CultureInfo.InvariantCulture)),
        ];
        long kilobytes = 0;
        int processes = 0;
        string pids = await inside.MustAsync("sh", "-c", "cat /sys/fs/cgroup/system.slice/pipeforkas.service/*/cgroup.procs");
        foreach (string pid in pids.Split('\n'))
        {
            string pss = (await inside.MustAsync("grep", "^Pss:", $"/proc/{pid}/smaps_rollup")).Split(
                ' ', StringSplitOptions.RemoveEmptyEntries)[1];
            kilobytes += long.Parse(pss, CultureInfo.InvariantCulture);
            processes++;
        }

        Assert.True(processes >= 6, $"there are only {processes} processes, fewer than the daemon, the stock job host and its workers");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"measured: idle memory {kilobytes / 1024.0:0.0} MiB (Pss "
            + $"of {processes} processes: daemon, stock job host, waiting "
            + $"workers); {Math.Abs(times[1] - times[0]) / 1000.0:0} ms from systemctl start to READY"));
    }
}
