using System.Diagnostics;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests impostors that listen on the socket path of the daemon.</summary>
public sealed class ImpostorTests
{
    [Fact(Timeout = Bound.Test)]
    public async Task The_command_and_the_library_send_nothing_to_a_process_of_another_uid()
    {
        PasswordEntry bob = TestUsers.Entry(TestUsers.Bob);
        string socket = Path.Combine(bob.Home, "impostor.sock"), heard = Path.Combine(bob.Home, "heard");
        string[] socat = ["socat", "-u", $"UNIX-LISTEN:{socket},fork,mode=666", $"OPEN:{heard},creat,append"];
        using Process impostor = Process.Start(new ProcessStartInfo("runuser", ["-u", TestUsers.Bob, "--", .. socat]))!;
        try
        {
            Libc.chmod(bob.Home, 0x1ED); // 0755
            await Bound.UntilAsync(() => File.Exists(socket), () => "the impostor does not listen");
            string[][] commands = [["run", "cat"], ["list"], ["describe", "id"], ["check", "id"], ["status"], ["cancel", "1"]];
            foreach (string[] command in commands)
            {
                string[] words = [NativeBuild.Command, "--socket", socket, .. command];
                ToolResult refused = await Tool.RunAsAsync(TestUsers.Alice, words, "secret"u8.ToArray());
                Assert.Equal(125, refused.ExitCode);
                Assert.Contains($"a process of uid {bob.Uid} listens on {socket}, expected uid 0; nothing was sent", refused.Error);
            }

            var client = new PipeForkAsClient(socket);
            var request = new JobRequest("id");
            UntrustedDaemonException failure = await Assert.ThrowsAsync<UntrustedDaemonException>(() => client.RunAsync(request));
            Assert.Equal((socket, bob.Uid.Value, 0u), (failure.SocketPath, failure.Uid, failure.ExpectedUid));
            Assert.False(File.Exists(heard) && new FileInfo(heard).Length > 0);

            // With another expected uid they send the request, and get no valid reply.
            foreach (string uid in new[] { "any", bob.Uid.ToString() })
            {
                string[] words = [NativeBuild.Command, "--socket", socket, "--daemon-uid", uid, "status"];
                ToolResult asked = await Tool.RunAsAsync(TestUsers.Alice, ["timeout", "--preserve-status", "2", .. words]);
                Assert.DoesNotContain("expected uid", asked.Error);
                await Bound.UntilAsync(() => File.Exists(heard) && File.ReadAllText(heard).Contains("status"), () => "it heard nothing");
                await Tool.MustAsync("truncate", "--size=0", heard);
            }

            ToolResult wrong = await Tool.RunAsync([NativeBuild.Command, "--socket", socket, "--daemon-uid", "root", "status"]);
            Assert.Equal((125, "pipeforkas: --daemon-uid must be a uid in digits, or any, not \"root\"\n"), (wrong.ExitCode, wrong.Error));
        }
        finally
        {
            Leftovers.KillAll(bob.Uid);
            await impostor.WaitForExitAsync(TestContext.Current.CancellationToken);
            File.Delete(socket);
            File.Delete(heard);
            Libc.chmod(bob.Home, 0x1C0); // 0700
        }
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(0x3FF)] // 01777, as /tmp
    [InlineData(0x1FD)] // 0775
    [InlineData(0x1EF)] // 0757
    public async Task No_socket_is_created_in_a_folder_that_other_users_can_write_even_if_sticky(int mode)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string open = Path.Combine(folder, "open"), socket = Path.Combine(open, "pipeforkas.sock");
        Directory.CreateDirectory(open);
        Libc.chmod(open, (uint)mode);
        configuration["Socket"]!["Path"] = socket;
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration);
        Assert.Equal(1, await daemon.EndedAsync());
        Assert.Contains($"cannot listen on {socket}; its folder: {open} can be written by users other than root", daemon.Log);
        Assert.Empty(Directory.GetFileSystemEntries(open));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_socket_folder_may_be_below_a_sticky_folder_but_not_below_one_of_a_user()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string sticky = Path.Combine(folder, "sticky"), own = Path.Combine(sticky, "own");
        Directory.CreateDirectory(own);
        Libc.chmod(sticky, 0x3FF); // 01777
        Libc.chmod(own, 0x1ED); // 0755
        configuration["Socket"]!["Path"] = Path.Combine(own, "pipeforkas.sock");
        await using (DaemonProcess daemon = DaemonProcess.Launch(folder, configuration))
        {
            await Crowd.ListeningAsync(daemon);
            Assert.Equal(0, await daemon.StopAsync());
            await Tool.MustAsync("chown", TestUsers.Bob, sticky);
            UserId bob = TestUsers.Entry(TestUsers.Bob).Uid;
            Assert.Equal(1, await RunAsync(folder, configuration, $"{sticky} belongs to uid {bob}, who can replace its content"));
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_systemd_socket_in_a_folder_that_other_users_can_write_causes_a_warning()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string open = Path.Combine(folder, "open"), socket = Path.Combine(open, "s.sock"), script = Path.Combine(folder, "start");
        Directory.CreateDirectory(open);
        Libc.chmod(open, 0x3FF); // 01777
        configuration["Socket"]!["Path"] = socket;

        // systemd starts the program with the first client.
        await File.WriteAllTextAsync(script, $"#!/bin/sh\nexec systemd-socket-activate -l {socket} {NativeBuild.Daemon} \"$@\"\n");
        Libc.chmod(script, 0x1ED); // 0755
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration, script);
        await Bound.UntilAsync(() => File.Exists(socket), () => daemon.Log);
        ToolResult status = await Tool.RunAsync([NativeBuild.Command, "--socket", socket, "status"]);
        Assert.Equal((0, ""), (status.ExitCode, status.Error));
        Assert.Contains($"can replace the socket {socket}, which systemd passed: {open} can be written", daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static async Task<int> RunAsync(string folder, JsonObject configuration, string expected)
    {
        string file = Path.Combine(folder, "second.json");
        await File.WriteAllTextAsync(file, configuration.ToJsonString());
        ToolResult ended = await Tool.RunAsync([NativeBuild.Daemon, "--config", file]);
        Assert.Contains(expected, ended.Error);
        return ended.ExitCode;
    }
}
