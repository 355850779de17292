using System.Diagnostics;
using System.Text;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>
/// A caller that continues to run after its reply: the daemon writes the record after the reply, and only then reads the program of the
/// caller.
/// </summary>
internal sealed class StayingCaller : IDisposable
{
    private readonly Process process;

    private StayingCaller(Process process) => this.process = process;

    /// <summary>Its program.</summary>
    public static string Program { get; } = File.ResolveLinkTarget("/usr/bin/socat", returnFinalTarget: true)?.FullName ?? "/usr/bin/socat";

    /// <summary>Sends a request as a user and shuts down writing.</summary>
    public static async Task<StayingCaller> AskAsync(DaemonProcess daemon, string user, string request)
    {
        string[] command = [Program, "-t", "60", "-", $"UNIX-CONNECT:{daemon.Socket},ignoreeof"];
        var caller = new StayingCaller(Process.Start(new ProcessStartInfo(
            "setpriv", ["--reuid", user, "--regid", user, "--init-groups", "--", .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!);
        await caller.process.StandardInput.WriteAsync(request);
        caller.process.StandardInput.Close();
        return caller;
    }

    /// <summary>Reads from the reply.</summary>
    public async Task<string> ReadAsync(int bytes)
    {
        var text = new byte[bytes];
        await process.StandardOutput.BaseStream.ReadExactlyAsync(text);
        return Encoding.UTF8.GetString(text);
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
