using System.Globalization;
using System.Text;
using PipeForkAs.EndToEnd.Harness;

[assembly: AssemblyFixture(typeof(PipeForkAs.Boot.Harness.BootedSystem))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace PipeForkAs.Boot.Harness;

/// <summary>
/// A booted container with the package installed and two users, which the tests of the service share. Each test begins with <see
/// cref="FreshAsync"/>.
/// </summary>
public sealed class BootedSystem : IAsyncLifetime
{
    public const string Alice = "alice";
    public const string Bob = "bob";
    public const string AliceId = "48001";
    public const string BobId = "48002";
    public const string Socket = "/run/pipeforkas/pipeforkas.sock";

    /// <summary>The path of the test job host in the container.</summary>
    public const string TestJobs = "/opt/pipeforkas-test-jobs";

    private const string DropIns = "/etc/systemd/system/pipeforkas.service.d";
    private const string SocketDropIns = "/etc/systemd/system/pipeforkas.socket.d";
    private const string Configuration = "/etc/pipeforkas/conf.d/test.json";
    private Container? container;
    private string reason = "";

    /// <summary>The package under test.</summary>
    public static string Package { get; } = Environment.GetEnvironmentVariable("PIPEFORKAS_DEB") is { Length: > 0 } file
        ? file
        : throw new InvalidOperationException("PIPEFORKAS_DEB does not name the package; tests/run.sh sets it");

    /// <summary>The package of the Python client, which packaging/build-deb.sh puts beside it.</summary>
    public static string PythonPackage { get; } =
        Directory.GetFiles(Path.GetDirectoryName(Path.GetFullPath(Package))!, "python3-pipeforkas_*_all.deb").Single();

    internal Container Inside
    {
        get
        {
            Assert.SkipWhen(container is null, $"this machine starts no container: {reason}");
            return container!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        (container, reason) = await Container.BootAsync();
        if (container is null)
            return;
        await PrepareAsync(container);
        File.Copy(
            Path.Combine(Environment.GetEnvironmentVariable("PIPEFORKAS_NATIVE") ?? "", "pipeforkas-test-jobs"),
            container.PathOf(TestJobs));
        await container.MustAsync("dpkg", "--install", "/root/pipeforkas.deb");
    }

    public async ValueTask DisposeAsync()
    {
        if (container is not null)
            await container.DisposeAsync();
    }

    /// <summary>Creates the users and copies the package to /root.</summary>
    internal static async Task PrepareAsync(Container container)
    {
        // Separate ids, because this machine may already have users.
        foreach ((string user, string id) in ((string, string)[])[(Alice, AliceId), (Bob, BobId)])
        {
            await container.MustAsync("groupadd", "--gid", id, user);
            await container.MustAsync("useradd", "--create-home", "--shell", "/bin/bash", "--uid", id, "--gid", id, user);
        }

        File.Copy(Package, container.PathOf("/root/pipeforkas.deb"));
    }

    /// <summary>Restarts with this configuration and these unit settings, without any earlier state.</summary>
    internal async Task<Container> FreshAsync(
        string? configuration = null, string? service = null, string? socket = null, bool start = true)
    {
        Container inside = Inside;
        await inside.MustAsync("systemctl", "stop", "pipeforkas.socket", "pipeforkas.service");
        // Those of the examples, whose lists would be mixed with those of the test.
        await inside.MustAsync("sh", "-c", "rm -rf /etc/pipeforkas/conf.d/*.json");
        Configure(configuration);
        DropIn(DropIns, service is null ? null : $"[Service]\n{service}\n");
        DropIn(SocketDropIns, socket is null ? null : $"[Socket]\n{socket}\n");
        await inside.MustAsync("systemctl", "daemon-reload");
        await inside.RunAsync("systemctl", "reset-failed", "pipeforkas.service", "pipeforkas.socket");
        await inside.MustAsync("journalctl", "--rotate", "--vacuum-time=1us");
        if (start)
            await inside.MustAsync("systemctl", "start", "pipeforkas.service");
        return inside;
    }

    /// <summary>Writes the configuration that is read after that of the package.</summary>
    internal void Configure(string? json)
    {
        Inside.Remove(Configuration);
        if (json is not null)
            Inside.Write(Configuration, json);
    }

    /// <summary>A property of the service.</summary>
    internal Task<string> PropertyAsync(string name, string unit = "pipeforkas.service") =>
        Inside.MustAsync("systemctl", "show", "--value", "-p", name, unit);

    /// <summary>The daemon's process id within the container.</summary>
    internal async Task<int> MainPidAsync() => int.Parse(await PropertyAsync("MainPID"), CultureInfo.InvariantCulture);

    /// <summary>What the service logged since <see cref="FreshAsync"/>.</summary>
    internal Task<string> JournalAsync() => Inside.MustAsync("journalctl", "-u", "pipeforkas.service", "-o", "cat");

    /// <summary>Sends a request as a user with socat, as in a shell.</summary>
    internal async Task<string> AskAsync(string user, string request) =>
        (await Inside.RunAsAsync(user, ["socat", "-t", "30", "-", $"UNIX-CONNECT:{Socket}"], Encoding.UTF8.GetBytes(request + "\n"))).Text;

    /// <summary>Runs the command as a user.</summary>
    internal Task<ToolResult> CommandAsync(string user, params string[] arguments) => Inside.RunAsAsync(user, ["pipeforkas", .. arguments]);

    /// <summary>The process ids in the control groups of the service, as seen in the container.</summary>
    internal async Task<int[]> ProcessesAsync()
    {
        string text = await Inside.MustAsync(
            "sh", "-c",
            "cat /sys/fs/cgroup/system.slice/pipeforkas.service/cgroup.procs "
            + "/sys/fs/cgroup/system.slice/pipeforkas.service/*/cgroup.procs 2>/dev/null || true");
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];
    }

    /// <summary>Waits for a condition of the service.</summary>
    internal async Task UntilAsync(Func<Task<bool>> condition, string otherwise)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!await condition())
        {
            if (deadline.IsCancellationRequested)
                throw new TimeoutException($"{otherwise}:\n{await JournalAsync()}");
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private void DropIn(string folder, string? text)
    {
        Inside.Remove(folder);
        if (text is not null)
            Inside.Write($"{folder}/test.conf", text);
    }
}
