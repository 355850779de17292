using System.Diagnostics;
using System.Globalization;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Boot.Harness;

/// <summary>
/// A container with a real systemd, over an overlay of this machine: container.sh creates it, and removes it when this process ends in any
/// way.
/// </summary>
internal sealed class Container : IAsyncDisposable
{
    private const string Prefix = "pipeforkas-boot-";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(150);
    private static readonly string[] Clean = [
        "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
            "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER=cat"];
    private static int number;

    private readonly Process script;
    private readonly string folder;

    private Container(Process script, string folder, int leader)
    {
        this.script = script;
        this.folder = folder;
        Leader = leader;
    }

    /// <summary>The first process of the container, by its pid on this machine.</summary>
    public int Leader { get; }

    /// <summary>Boots a container; returns null and the reason if this machine lacks a requirement.</summary>
    /// <param name="hasNetwork">Whether the container uses the network of this machine; otherwise it has none.</param>
    /// <exception cref="InvalidOperationException">The container started but did not boot completely.</exception>
    public static async Task<(Container? Container, string Reason)> BootAsync(bool hasNetwork = false)
    {
        ClearFormerRuns();
        string name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref number)}");
        string folder = Path.Combine(Path.GetTempPath(), name);
        Directory.CreateDirectory(folder);
        var script = new Process
        {
            StartInfo = new ProcessStartInfo(
                "unshare",
                ["--mount", "--propagation", "private", "bash", Path.Combine(AppContext.BaseDirectory, "Harness", "container.sh"), name,
                    folder, hasNetwork ? "host" : "none"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            },
        };
        script.Start();
        using var deadline = new CancellationTokenSource(Deadline);
        string line = await script.StandardOutput.ReadLineAsync(deadline.Token) ?? "failed: container.sh exited without a message";
        string[] words = line.Split(' ', 2);
        if (words is ["leader", var pid])
            return (new Container(script, folder, int.Parse(pid, CultureInfo.InvariantCulture)), "");
        await EndAsync(script, folder);
        return words is ["cannot:", var reason] ? (null, reason) : throw new InvalidOperationException($"the container: {line}");
    }

    /// <summary>The path of a file of the container on this machine.</summary>
    public string PathOf(string path) => $"/proc/{Leader}/root{path}";

    /// <summary>Writes a file of the container that all users can read.</summary>
    public void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        File.WriteAllText(PathOf(path), text);
    }

    /// <summary>Removes a file or folder of the container if it exists.</summary>
    public void Remove(string path)
    {
        if (Directory.Exists(PathOf(path)))
            Directory.Delete(PathOf(path), recursive: true);
        else if (File.Exists(PathOf(path)))
            File.Delete(PathOf(path));
    }

    /// <summary>Runs a program in it as root.</summary>
    public Task<ToolResult> RunAsync(params string[] command) => Tool.RunAsync(Inside(command));

    /// <summary>Runs a program in it as a user.</summary>
    public Task<ToolResult> RunAsAsync(string user, IEnumerable<string> command, byte[]? input = null, TimeSpan? limit = null) =>
        Tool.RunAsync(Inside(["runuser", "-u", user, "--", .. command]), input, limit);

    /// <summary>Runs a program in it that must succeed. Returns what it wrote, without the end of the last line.</summary>
    public async Task<string> MustAsync(params string[] command) => (await Tool.MustAsync([.. Inside(command)])).TrimEnd('\n');

    public async ValueTask DisposeAsync() => await EndAsync(script, folder);

    private IEnumerable<string> Inside(IEnumerable<string> command) =>
        ["nsenter", "-t", Leader.ToString(CultureInfo.InvariantCulture), "-a", "--", .. Clean, .. command];

    private static async Task EndAsync(Process script, string folder)
    {
        using (script)
        {
            script.StandardInput.Close();
            using var deadline = new CancellationTokenSource(Deadline);
            await script.WaitForExitAsync(deadline.Token);
        }

        if (Directory.Exists(folder))
            throw new InvalidOperationException($"{folder} is left");
        if (Groups(Path.GetFileName(folder)).FirstOrDefault() is { } left)
            throw new InvalidOperationException($"the control group {left} is left");
    }

    /// <summary>Ends and removes the leftovers of a run that was killed together with its script.</summary>
    private static void ClearFormerRuns()
    {
        string[] names = [
            .. Groups(Prefix + "*").Concat(Directory.GetDirectories(Path.GetTempPath(), Prefix + "*")).Select(
                path => Path.GetFileName(path)!).Distinct()];
        foreach (string name in names)
        {
            if (int.TryParse(name[Prefix.Length..].Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int run)
                && Directory.Exists($"/proc/{run}"))
                continue;
            foreach (string group in Groups(name).Where(group => File.Exists(Path.Combine(group, "cgroup.kill"))))
                EndGroup(group);
            foreach (string group in Groups(name))
                RemoveGroup(group);
            if (Directory.Exists(Path.Combine(Path.GetTempPath(), name)))
                Directory.Delete(Path.Combine(Path.GetTempPath(), name));
        }
    }

    private static void EndGroup(string group)
    {
        File.WriteAllText(Path.Combine(group, "cgroup.kill"), "1");
        for (int round = 0; round < 500
            && File.ReadAllText(Path.Combine(group, "cgroup.events")).Contains("populated 1", StringComparison.Ordinal); round++)
            Thread.Sleep(20);
    }

    private static void RemoveGroup(string group)
    {
        foreach (string child in Directory.GetDirectories(group))
            RemoveGroup(child);
        Directory.Delete(group);
    }

    private static IEnumerable<string> Groups(string pattern) =>
        new[] { "/sys/fs/cgroup" }.Concat(Directory.GetDirectories("/sys/fs/cgroup")).SelectMany(
            root => Directory.GetDirectories(root, pattern));
}
