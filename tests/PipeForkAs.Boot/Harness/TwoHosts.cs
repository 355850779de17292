using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.Boot.Harness;

/// <summary>
/// Two booted containers with an sshd, a daemon and users of their own, each in its own network namespace; a pair of virtual interfaces
/// connects them, and nothing else. Alice is on the near one; her configuration of ssh leads to Bob on the far one.
/// </summary>
public sealed class TwoHosts : IAsyncLifetime
{
    /// <summary>The folder of the cases of the clients in both containers.</summary>
    internal const string Conformance = "/opt/pfa";

    private const string Link = "pfa0", NearAddress = "10.255.7.1", FarAddress = "10.255.7.2";

    private const string Server = """
        HostKey /etc/pfa/host
        PidFile none
        UsePAM no
        PasswordAuthentication no
        ClientAliveInterval 1
        ClientAliveCountMax 3
        PrintMotd no

        """;

    private const string Client = $"""
        Host restricted
          IdentityFile ~/.ssh/restricted
        Host shared
          ControlMaster auto
          ControlPath ~/.ssh/shared-%C
          ControlPersist 60
        Host jump
          ProxyJump near
        Host near
          HostName {NearAddress}
        Host *
          HostName {FarAddress}
          User bob
          IdentityFile ~/.ssh/alice
          IdentitiesOnly yes
          StrictHostKeyChecking accept-new
          ServerAliveInterval 1
          ServerAliveCountMax 3

        """;

    private Container? near, far;
    private string reason = "";

    /// <summary>The host of the client.</summary>
    internal Container Near => Of(near);

    /// <summary>The host of the jobs.</summary>
    internal Container Far => Of(far);

    public async ValueTask InitializeAsync()
    {
        (near, reason) = await Container.BootAsync();
        if (near is null)
            return;
        (far, reason) = await Container.BootAsync();
        if (far is null)
            return;
        await ConnectAsync();
        await InstallAsync(near, "near");
        await InstallAsync(far, "far");
        await GiveKeysAsync();
        await GiveConformanceAsync();
        foreach (Container container in (Container[])[near, far])
        {
            await container.MustAsync(
                "systemd-run", "--unit=pfa-sshd", "--property=RuntimeDirectory=sshd", "/usr/sbin/sshd", "-D", "-f", "/etc/pfa/sshd_config");
        }

        await Bound.UntilAsync(
            async () => (await near.RunAsAsync(BootedSystem.Alice, ["ssh", "jump", "true"])).ExitCode == 0 ? "" : null,
            () => "ssh does not reach the far host by the near one");
    }

    public async ValueTask DisposeAsync()
    {
        if (near is not null)
            await near.DisposeAsync();
        if (far is not null)
            await far.DisposeAsync();
    }

    /// <summary>Runs the command as Alice on the near host.</summary>
    internal Task<ToolResult> CommandAsync(params string[] words) => Near.RunAsAsync(BootedSystem.Alice, ["pipeforkas", .. words]);

    /// <summary>Cuts the network, or joins it again.</summary>
    internal Task<string> SetNetworkAsync(bool isUp) => Near.MustAsync("ip", "link", "set", Link, isUp ? "up" : "down");

    /// <summary>The status of the far daemon.</summary>
    internal Task<string> StatusAsync() => Far.MustAsync("pipeforkas", "status", "--json");

    /// <summary>Waits until the far daemon runs no job, and no process of its account of ssh is left there.</summary>
    internal async Task NothingIsLeftAsync()
    {
        await Bound.UntilAsync(
            async () => await StatusAsync() is var status && status.Contains("\"jobs\":[]", StringComparison.Ordinal) ? "" : null,
            () => "a job is left");
        await Bound.UntilAsync(
            async () => (await Far.RunAsync("pgrep", "--full", "pipeforkas dial")).ExitCode == 1 ? "" : null,
            () => "a dial process is left");
    }

    private static async Task InstallAsync(Container container, string name)
    {
        await BootedSystem.PrepareAsync(container);
        container.Write(
            "/etc/pipeforkas/conf.d/test.json",
            $$"""
            { "Commands": { "where": { "Command": [ "/bin/echo", "{{name}}" ] },
                "wait": { "Command": [ "/bin/sh", "-c", "echo ready; exec sleep 1000" ] } },
              "Limits": { "KillGrace": "00:00:01" } }
            """);
        await container.MustAsync("dpkg", "--install", "/root/pipeforkas.deb");
        await container.MustAsync("systemctl", "start", "pipeforkas.service");
        await container.MustAsync("usermod", "-p", "*", BootedSystem.Bob);
        container.Write("/etc/pfa/sshd_config", Server);
        await container.MustAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/pfa/host");
    }

    private async Task ConnectAsync()
    {
        // From this machine's list of processes, in which the leaders have their numbers.
        string peer = far!.Leader.ToString(System.Globalization.CultureInfo.InvariantCulture);
        string own = near!.Leader.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await Tool.MustAsync(
            "nsenter", "-t", own, "-n", "ip", "link", "add", Link, "type", "veth", "peer", "name", Link, "netns", peer);
        foreach ((Container container, string address) in ((Container, string)[])[(near, NearAddress), (far, FarAddress)])
        {
            await container.MustAsync("ip", "address", "add", $"{address}/24", "dev", Link);
            await container.MustAsync("ip", "link", "set", Link, "up");
            await container.MustAsync("ip", "link", "set", "lo", "up");
        }
    }

    private async Task GiveKeysAsync()
    {
        string ssh = $"/home/{BootedSystem.Alice}/.ssh";
        near!.Write($"{ssh}/config", Client);
        foreach (string key in (string[])["alice", "restricted"])
            await near.MustAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{ssh}/{key}");
        await near.MustAsync("chown", "-R", $"{BootedSystem.Alice}:", ssh);
        await near.MustAsync("chmod", "-R", "u=rwX,go=", ssh);
        string open = await near.MustAsync("cat", $"{ssh}/alice.pub"), restricted = await near.MustAsync("cat", $"{ssh}/restricted.pub");
        foreach (Container container in (Container[])[near, far!])
        {
            string theirs = $"/home/{BootedSystem.Bob}/.ssh";
            container.Write($"{theirs}/authorized_keys", $"{open}\nrestrict,command=\"pipeforkas dial\" {restricted}\n");
            await container.MustAsync("chown", "-R", $"{BootedSystem.Bob}:", theirs);
            await container.MustAsync("chmod", "-R", "u=rwX,go=", theirs);
        }
    }

    /// <summary>The cases of the clients: the suite is on the far host, where it controls a daemon, and its runners on the near one.
    /// </summary>
    private async Task GiveConformanceAsync()
    {
        string native = Environment.GetEnvironmentVariable("PIPEFORKAS_NATIVE") ?? "";
        foreach (Container container in (Container[])[near!, far!])
        {
            await container.MustAsync("mkdir", "-p", $"{Conformance}/tests", $"{Conformance}/src", $"{Conformance}/native");
            foreach (string folder in (string[])["tests/clients", "src/clients"])
                await Tool.MustAsync("cp", "-r", Path.Combine(Page.Root, folder), container.PathOf($"{Conformance}/{folder}"));
            foreach (string program in (string[])["pipeforkas", "pipeforkasd", "pipeforkas-jobs"])
                File.Copy(Path.Combine(native, program), container.PathOf($"{Conformance}/native/{program}"));
            await container.MustAsync("chmod", "-R", "a+rX", Conformance);
        }

        await far!.MustAsync("mkdir", "-m", "700", "-p", "/root/.ssh");
        await far!.MustAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/runner");
        far!.Write(
            "/root/.ssh/config",
            $"""
            Host near
              HostName {NearAddress}
              User alice
              IdentityFile /root/.ssh/runner
              IdentitiesOnly yes
              StrictHostKeyChecking accept-new

            """);
        string own = $"/home/{BootedSystem.Alice}/.ssh";
        near!.Write($"{own}/authorized_keys", await far!.MustAsync("cat", "/root/.ssh/runner.pub") + "\n");
        await near!.MustAsync("chown", $"{BootedSystem.Alice}:", $"{own}/authorized_keys");
        await near!.MustAsync("chmod", "600", $"{own}/authorized_keys");
        await near!.MustAsync("usermod", "-p", "*", BootedSystem.Alice);
    }

    private Container Of(Container? container)
    {
        Assert.SkipWhen(container is null || far is null, $"this machine does not start two containers: {reason}");
        return container!;
    }
}
