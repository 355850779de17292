using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.Boot;

/// <summary>Runs the installation commands of README in a separate container.</summary>
public sealed class InstallTests(BootedSystem system)
{
    private const string Clone = "/root/clone";

    /// <summary>The files that the commands without the package install.</summary>
    private static readonly string[] Installed =
        ["/usr/libexec/pipeforkas", "/usr/bin/pipeforkas", "/usr/sbin/pipeforkasd", "/usr/local/lib/systemd/system"];

    [Fact(Timeout = Bound.Test)]
    public async Task The_commands_in_README_install_a_working_service()
    {
        // The shared container shows whether this machine supports containers.
        Assert.NotNull(system.Inside);
        (Container? booted, string reason) = await Container.BootAsync();
        await using Container inside = booted ?? throw new InvalidOperationException(reason);
        await BootedSystem.PrepareAsync(inside);
        string[] commands = Page.Commands("README.md", "Install");
        int elsewhere = Array.IndexOf(commands, "packaging/build.sh");

        // These commands built the installed files; tests/run.sh runs them before.
        Assert.Equal("packaging/build-deb.sh", commands[0]);
        Build(inside);
        await RunAsync(inside, commands[(elsewhere + 1)..]);
        Assert.Contains("(alice)", await AskAsync(inside));

        await inside.MustAsync("systemctl", "disable", "--now", "pipeforkas.socket", "pipeforkas.service");
        await inside.MustAsync(["rm", "-r", .. Installed]);
        await inside.MustAsync("systemctl", "daemon-reload");
        await RunAsync(inside, commands[1..elsewhere]);
        Assert.Contains("(alice)", await AskAsync(inside));
    }

    /// <summary>Creates the layout of a clone after its build.</summary>
    private static void Build(Container inside)
    {
        string natives = Environment.GetEnvironmentVariable("PIPEFORKAS_NATIVE") ?? "";
        (string From, string To)[] files =
        [
            .. ((string[])["pipeforkasd", "pipeforkas", "pipeforkas-jobs"])
                .Select(name => (Path.Combine(natives, name), $"artifacts/native/{name}")),
            .. ((string[])["pipeforkas.service", "packaging/pipeforkas.socket"]).Select(name => (Path.Combine(Page.Root, name), name)),
            (BootedSystem.Package, $"artifacts/deb/{Path.GetFileName(BootedSystem.Package)}"),
        ];
        foreach ((string from, string to) in files)
        {
            string place = inside.PathOf($"{Clone}/{to}");
            Directory.CreateDirectory(Path.GetDirectoryName(place)!);
            File.Copy(from, place);
        }
    }

    /// <summary>Runs commands as root in the clone; sudo is not installed everywhere.</summary>
    private static async Task RunAsync(Container inside, string[] commands)
    {
        Assert.NotEmpty(commands);
        foreach (string command in commands)
            await inside.MustAsync("bash", "-c", $$"""cd {{Clone}} && sudo() { "$@"; } && {{command}}""");
    }

    private static async Task<string> AskAsync(Container inside) => (await inside.RunAsAsync(
        BootedSystem.Alice, ["socat", "-t", "30", "-", $"UNIX-CONNECT:{BootedSystem.Socket}"], "{\"job\":\"id\"}\n"u8.ToArray())).Text;
}
