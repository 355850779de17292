using System.Globalization;
using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Boot;

/// <summary>Tests what the units forbid to the service, and what they allow its jobs.</summary>
public sealed class HardeningTests(BootedSystem system)
{
    /// <summary>Ordinary commands of users; each line must work.</summary>
    private const string Ordinary =
        """
        set -eu
        cd ~; test "$(pwd)" = /home/alice
        rm -rf project; mkdir -m 775 project; cd project; test "$1" = strict || chmod g+s .
        echo text >file; cat file >>copy; mv copy other; ln -s other link; ln file hard; chmod 644 file; touch -d '1 hour ago' file
        tar czf all.tar.gz file other link; mkdir out; tar xzf all.tar.gz -C out; cmp file out/file
        seq 1000 | sort -rn | head -n 1 | grep -qx 1000
        t=$(mktemp); echo "$t" >"$t"; test -s "$t"; rm "$t"
        test "$(ps -o comm= -p 1)" = systemd
        test "$(id -un)" = alice; id -Gn >/dev/null; getent passwd bob >/dev/null
        echo x >/dev/null; head -c 16 /dev/urandom | wc -c | grep -qx 16; exec 3<>/dev/ptmx; exec 3>&-
        uname -a >/dev/null; date >/dev/null; df . >/dev/null; nice -n 5 true; nproc >/dev/null
        free >/dev/null 2>&1 || cat /proc/meminfo >/dev/null
        perl -e 'my $pid = fork; if (!$pid) { exec "true" } waitpid $pid, 0; exit $?'
        (sleep 60 & kill $!; wait $! || test $? -eq 143) 2>/dev/null
        umask 022; (umask)
        echo fine
        """;

    [Fact(Timeout = Bound.Test)]
    public async Task An_ordinary_job_works_in_its_users_home_with_ordinary_programs() => await OrdinaryAsync("ordinary", null);

    [Fact(Timeout = Bound.Test)]
    public async Task An_ordinary_job_also_works_under_the_strict_settings() => await OrdinaryAsync("strict", await StrictAsync());

    [Fact(Timeout = Bound.Test)]
    public async Task Jobs_reach_the_network_unless_the_strict_settings_forbid_it()
    {
        const string Configuration =
            """{"Commands":{"net":{"Command":["/usr/bin/perl","-MSocket","-e","socket(my $s, PF_INET, SOCK_STREAM, 0) or die $!; """
            + """bind($s, sockaddr_in(0, INADDR_LOOPBACK)) or die $!; print 'bound'"]}}}""";
        await system.FreshAsync(Configuration);
        Assert.Equal("bound", await system.AskAsync(BootedSystem.Alice, """{"job":"net"}"""));
        await system.FreshAsync(Configuration, service: await StrictAsync());
        Assert.Contains("Address family not supported", await system.AskAsync(BootedSystem.Alice, """{"job":"net"}"""));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_cannot_create_namespaces_write_system_files_or_see_hardware()
    {
        await system.FreshAsync(
            """{"Commands":{"try":{"Command":["/bin/sh","-c","unshare -U true 2>/dev/null && echo namespace; ls /dev/mem /dev/kmsg """
            + """2>/dev/null; touch /usr/x /etc/x 2>/dev/null && echo wrote; grep -E '^Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs' """
            + """/proc/self/status"]}}}""");
        Assert.Equal(
            "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n",
            await system.AskAsync(BootedSystem.Alice, """{"job":"try"}"""));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_root_job_has_the_rights_of_the_service_and_more_if_configured()
    {
        const string Configuration =
            """
            {
              "Commands": { "try": { "Command": [ "/bin/sh", "-c",
                "id -u; touch /etc/by-root && echo wrote; cd /home/alice && touch by-root && chown alice by-root && echo gave" ] } },
              "Policy": { "Rules": [ { "Name": "root", "Callers": [ "alice" ], "Jobs": [ "try" ], "As": [ "root" ], "AllowRoot": true } ] }
            }
            """;
        await system.FreshAsync(Configuration);
        string confined = await system.AskAsync(BootedSystem.Alice, """{"job":"try","user":"root"}""");
        Assert.StartsWith("0\n", confined);
        Assert.DoesNotContain("wrote", confined);
        Assert.DoesNotContain("gave", confined);
        await system.FreshAsync(Configuration, service: "CapabilityBoundingSet=~\nProtectSystem=no");
        Assert.Equal("0\nwrote\ngave\n", await system.AskAsync(BootedSystem.Alice, """{"job":"try","user":"root"}"""));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Systemd_accepts_the_units_and_their_security_score_is_as_expected()
    {
        Container inside = await system.FreshAsync();
        ToolResult verified = await inside.RunAsync("systemd-analyze", "verify", "--man=no", "pipeforkas.service", "pipeforkas.socket");
        Assert.Equal((0, ""), (verified.ExitCode, verified.Error + verified.Text));
        Assert.InRange(await ExposureAsync(inside), 0, 4.3);
        await system.FreshAsync(service: await StrictAsync());
        Assert.InRange(await ExposureAsync(inside), 0, 2.8);
    }

    private async Task OrdinaryAsync(string how, string? service)
    {
        Container inside = await system.FreshAsync(
            """{"Commands":{"ordinary":{"Command":["/bin/sh","/etc/ordinary.sh","HOW"]}}}""".Replace(
                "HOW", how, StringComparison.Ordinal), service: service, start: false);
        inside.Write("/etc/ordinary.sh", Ordinary);
        await inside.MustAsync("systemctl", "start", "pipeforkas.service");
        Assert.Equal("0022\nfine\n", await system.AskAsync(BootedSystem.Alice, """{"job":"ordinary"}"""));
        string home = (await inside.MustAsync("getent", "passwd", BootedSystem.Alice)).Split(':')[5];
        Assert.True(File.Exists(inside.PathOf($"{home}/project/out/file")));
    }

    /// <summary>The strict drop-in of the package, without its heading.</summary>
    private async Task<string> StrictAsync()
    {
        string text = await system.Inside.MustAsync("cat", "/usr/share/doc/pipeforkas/examples/strict.conf");
        return text.Split("[Service]\n", 2)[1];
    }

    private static async Task<double> ExposureAsync(Container inside)
    {
        string all = (await inside.RunAsync("systemd-analyze", "security", "--no-pager", "pipeforkas.service")).Text;
        string last = all.Split('\n').Last(line => line.Contains("Overall exposure level", StringComparison.Ordinal));
        double exposure = double.Parse(last.Split(": ")[1].Split(' ')[0], CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"measured: systemd-analyze security {exposure}"));
        return exposure;
    }
}
