using System.Diagnostics;
using System.Globalization;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Pipes whose lock is held, sent to the daemon where the kernel does not refuse them: closing the last reference takes as long as the
/// sender likes, and no signal ends it, nor does the end of the process. Neither the daemon nor others may depend on it.
/// </summary>
public sealed class HeldLockTests
{
    /// <summary>More than the daemon has processes for closing sockets at once.</summary>
    private const int Pipes = 24;

    private const int Others = 50;
    private static readonly TimeSpan Probing = TimeSpan.FromSeconds(0.6);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact(Timeout = Bound.Test)]
    public async Task Pipes_with_held_locks_use_no_descriptors_of_others_and_do_not_block_a_stop()
    {
        await using HangingFiles files = await HangingFiles.MountAsync(TestUsers.Alice, "read");
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Socket"]!["DescriptorCheck"] = "daemon");
        Footprint before = await Footprint.AtRestAsync(daemon);
        using Process attacker = await AttackAsync(daemon, files);
        try
        {
            await Bystander.IsNotDelayedAsync(daemon, Probing, Bystander.WithoutHanging);

            // Another user's connections, closed with something unread in them, do not stay open for the attacker's pipes.
            int held = ProcFs.Descriptors(daemon.Pid);
            using FileDescriptor file = Libc.open("/dev/null", OpenFlags.O_RDONLY);
            for (int i = 0; i < Others; i++)
            {
                using System.Net.Sockets.Socket client = await RawClient.ConnectAsync(daemon);
                var socket = new FileDescriptor((int)client.Handle);
                Libc.sendmsg(socket, "{"u8, [file]).OrThrow("sendmsg");
                socket.Release();
            }

            await Crowd.UntilAsync(
                () => ProcFs.Descriptors(daemon.Pid), count => count < Math.Min(held, before.Descriptors + Pipes) + (Others / 2),
                Patience, "descriptors");
            Assert.Equal(0, await StopAsync(daemon));
        }
        finally
        {
            attacker.Kill();
        }
    }

    private static async Task<Process> AttackAsync(DaemonProcess daemon, HangingFiles files)
    {
        string program = Path.Combine(daemon.Folder, "lockedpipes");
        string source = Path.Combine(AppContext.BaseDirectory, "Hostile", "lockedpipes.c");
        await CProgram.BuildAsync(source, program, "-pthread");
        var attacker = Process.Start(new ProcessStartInfo(
            "setpriv",
            [
                "--reuid", TestUsers.Alice, "--regid", TestUsers.Alice, "--init-groups", "--",
                program, daemon.Socket, files.File, Pipes.ToString(CultureInfo.InvariantCulture),
            ])
        {
            RedirectStandardOutput = true,
        })!;
        Assert.Equal("sent", await attacker.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        return attacker;
    }

    /// <summary>The daemon's own end alone: processes of its own may wait for the pipes.</summary>
    private static async Task<int> StopAsync(DaemonProcess daemon)
    {
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGTERM);
        return await daemon.EndedAsync();
    }
}
