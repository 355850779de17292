using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests a client or a job that adds millions of watches to its own end of a socket (epoll(7)): the kernel wakes all watches on the thread
/// that sends to the other end, closes it, or receives from it, for each message. That must not be the thread of the loop.
/// </summary>
[Trait("Needs", "quiet")]
public sealed class WatchedSocketTests
{
    /// <summary>Waking them takes about 0.05 s. With 5 GB of memory the kernel allows each user five times as many.</summary>
    private const int Watches = 200_000;

    private static readonly TimeSpan Probing = TimeSpan.FromSeconds(2);

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_with_many_watches_of_its_socket_delays_no_other_caller()
    {
        await using DaemonProcess daemon = await StartAsync();
        using Process attacker = Process.Start(new ProcessStartInfo(
            "setpriv",
            [
                "--reuid", TestUsers.Alice, "--regid", TestUsers.Alice, "--init-groups", "--",
                ProgramOf(daemon.Folder), "client", daemon.Socket, """{"job":"cat"}""", Watches.ToString(CultureInfo.InvariantCulture),
            ])
        {
            RedirectStandardOutput = true,
        })!;
        try
        {
            Assert.Equal("ready", await attacker.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            await Bystander.IsNotDelayedAsync(daemon, Probing);
        }
        finally
        {
            attacker.Kill();
            await attacker.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_with_many_watches_of_its_output_delays_no_other_caller()
    {
        await using DaemonProcess daemon = await StartAsync();
        using var client = await Crowd.SendAsync(
            daemon,
            $$$"""{"job":"become","user":"{{{TestUsers.Alice}}}","args":{"command":"""
                + $$$"""["{{{ProgramOf(daemon.Folder)}}}","output","{{{Watches}}}"]}}""");
        await Crowd.WaitForAsync(client, "x");
        await Bystander.IsNotDelayedAsync(daemon, Probing);
        client.Close();
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static string ProgramOf(string folder) => Path.Combine(folder, "watches");

    private static Task<DaemonProcess> StartAsync() => DaemonProcess.StartAsync(configuration =>
    {
        string program = ProgramOf(Path.GetDirectoryName(configuration["Socket"]!["Path"]!.GetValue<string>())!);
        string source = Path.Combine(AppContext.BaseDirectory, "Hostile", "watches.c");
        CProgram.BuildAsync(source, program).GetAwaiter().GetResult();
        configuration["Limits"]!["Worker"]!["OpenFiles"] = 8192;
    });
}
