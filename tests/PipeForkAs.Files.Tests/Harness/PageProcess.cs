using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.Files.Tests.Harness;

/// <summary>The native page, as a user of its own without any capability.</summary>
internal sealed partial class PageProcess : IAsyncDisposable
{
    /// <summary>A uid without an account: the daemon knows the page by what the kernel attests.</summary>
    public static readonly string Uid = TestUsers.FirstUnusedUid.ToString(CultureInfo.InvariantCulture);

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly StringBuilder log = new();
    private readonly Process process;

    private PageProcess(IEnumerable<string> command)
    {
        string[] words = [.. command];
        process = new Process { StartInfo = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true } };
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.Start();
        process.BeginOutputReadLine();
    }

    /// <summary>Where it listens; null on a Unix socket.</summary>
    public Uri? Address { get; private set; }

    public int Pid => process.Id;

    public string Log
    {
        get
        {
            lock (log)
                return log.ToString();
        }
    }

    /// <summary>The program under test: the native one, beside the daemon.</summary>
    private static string Program => Path.Combine(NativeBuild.Folder, "pipeforkas-files");

    /// <summary>Starts it on a free port of loopback.</summary>
    public static async Task<PageProcess> StartAsync(DaemonProcess daemon, Action<JsonObject>? configure = null)
    {
        PageProcess page = new([.. AsUser(), Program, "--config", Configure(daemon, configure)]);
        await page.UntilItListensAsync();
        page.Address = new Uri($"http://localhost:{Listening().Match(page.Log).Groups[1].Value}");
        return page;
    }

    /// <summary>Starts it behind a Unix socket, which it gets from its parent as from systemd.</summary>
    public static async Task<(PageProcess Page, string Socket)> StartOnSocketAsync(DaemonProcess daemon, Action<JsonObject> configure)
    {
        string file = Configure(daemon, configure), socket = Path.ChangeExtension(file, ".sock");
        PageProcess page = new(["systemd-socket-activate", "-l", socket, .. AsUser(), Program, "--config", file]);
        await Bound.UntilAsync(() => File.Exists(socket), () => "there is no socket");
        Libc.chmod(socket, 0x1B6); // 0666: the page itself must distinguish who connects.

        // The first connection starts it.
        Task<ToolResult> first = Tool.RunAsync(
            ["nc", "-U", socket], "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray());
        await page.UntilItListensAsync();
        await first;
        return (page, socket);
    }

    /// <summary>The memory that it alone needs, and its share of what it shares: proc_pid_smaps_rollup(5), in bytes.</summary>
    public static long Pss(int pid)
    {
        string line = File.ReadLines($"/proc/{pid}/smaps_rollup").First(text => text.StartsWith("Pss:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    public async ValueTask DisposeAsync()
    {
        using (process)
        {
            Libc.kill(new ProcessId(process.Id), Signal.SIGTERM);
            using var deadline = new CancellationTokenSource(Deadline);
            try
            {
                await process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"the page did not stop: {Log}");
            }
        }
    }

    private static string[] AsUser() =>
    [
        "setpriv", "--reuid", Uid, "--regid", Uid, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "env",
        "DOTNET_EnableDiagnostics=0",
    ];

    private static string Configure(DaemonProcess daemon, Action<JsonObject>? configure)
    {
        var options = new JsonObject { ["Listen"] = "127.0.0.1:0", ["Socket"] = daemon.Socket };
        configure?.Invoke(options);
        string file = Path.Combine(daemon.Folder, $"page-{Guid.NewGuid():N}.json");
        File.WriteAllText(file, options.ToJsonString());
        Libc.chmod(file, 0x1A4); // 0644
        return file;
    }

    private Task UntilItListensAsync() => Bound.UntilAsync(
        () => process.HasExited || Log.Contains("Application started", StringComparison.Ordinal) ? Check() : false,
        () => $"the page does not listen: {Log}");

    private bool Check() => process.HasExited ? throw new InvalidOperationException($"the page ended: {Log}") : true;

    private void Append(string? line)
    {
        lock (log)
            log.Append(line).Append('\n');
    }

    [GeneratedRegex(@"Now listening on: http://127\.0\.0\.1:(\d+)")]
    private static partial Regex Listening();
}
