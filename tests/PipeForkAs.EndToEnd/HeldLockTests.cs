using System.Diagnostics;
using System.Globalization;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests pipes with a held lock that are sent to the daemon, if the kernel does not refuse them: the sender decides how long the last close
/// takes, and no signal and no exit of the process ends it. Neither the daemon nor others may depend on it.
/// </summary>
public sealed class HeldLockTests
{
    /// <summary>More than the maximum number of processes that close sockets for the daemon.</summary>
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

            // Connections of another user that are closed with unread data do not stay open because of the attacker's pipes.
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

    /// <summary>Only the end of the daemon: its helper processes may wait for the pipes.</summary>
    private static async Task<int> StopAsync(DaemonProcess daemon)
    {
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGTERM);
        return await daemon.EndedAsync();
    }
}
