using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests planted files: links, files that groups can write; and programs that are started without arguments.</summary>
public sealed class PlantedTests
{
    private const int ExitConfiguration = 78;

    [Theory(Timeout = Bound.Test)]
    [InlineData(0x1B4)] // 0664
    [InlineData(0x192)] // 0622
    [InlineData(0x1A6)] // 0646
    public async Task A_configuration_that_any_group_can_write_is_rejected(int mode)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string file = Path.Combine(folder, "pipeforkas.json");
        try
        {
            await File.WriteAllTextAsync(file, configuration.ToJsonString());
            foreach (string group in new[] { "root", TestUsers.Group })
            {
                await Tool.MustAsync("chgrp", group, file);
                Libc.chmod(file, (uint)mode);
                await RefusedAsync(file, $"{file} can be written by users other than root");
            }

            Libc.chmod(file, 0x1A4); // 0644
            Libc.chmod(folder, 0x1FD); // 0775
            await RefusedAsync(file, $"{folder} can be written by users other than root");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Alice's link leads to a valid file of root: it is rejected because she can change its target.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_configuration_reached_through_a_link_of_a_user_is_rejected()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string file = Path.Combine(folder, "pipeforkas.json"),
            link = Path.Combine(TestUsers.Entry(TestUsers.Alice).Home, "pipeforkas.json");
        try
        {
            await File.WriteAllTextAsync(file, configuration.ToJsonString());
            Libc.chmod(file, 0x1A4);
            Assert.Equal(0, (await Tool.RunAsync([NativeBuild.Daemon, "--check-config", "--config", file])).ExitCode);
            await Tool.MustAsync("runuser", "-u", TestUsers.Alice, "--", "ln", "-s", file, link);
            await RefusedAsync(link, Path.GetDirectoryName(link)!);
        }
        finally
        {
            File.Delete(link);
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The daemon must neither write through the link nor listen where it leads.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_link_at_the_path_of_the_socket_is_not_followed()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string victim = Path.Combine(folder, "victim"), socket = Path.Combine(folder, "pipeforkas.sock");
        await File.WriteAllTextAsync(victim, "precious");
        Libc.chmod(victim, 0x180); // 0600
        File.CreateSymbolicLink(socket, victim);
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration);
        Assert.Equal(1, await daemon.EndedAsync());
        Assert.Equal(("precious", 0x180u), (await File.ReadAllTextAsync(victim), Libc.stat(victim)!.Value.Permissions));
        Assert.Equal(victim, new FileInfo(socket).LinkTarget);
    }

    /// <summary>A home that is a link to a folder of another user is entered as the user, who gains no access there.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_link_as_or_in_a_home_gives_no_access_that_the_user_lacks()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        PasswordEntry alice = TestUsers.Entry(TestUsers.Alice);
        string away = alice.Home + "-away", secret = Path.Combine(daemon.Folder, "secret"), closed = Path.Combine(daemon.Folder, "closed");
        await File.WriteAllTextAsync(secret, "secret");
        Libc.chmod(secret, 0x180);
        Directory.CreateDirectory(closed, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.Move(alice.Home, away);
        try
        {
            File.CreateSymbolicLink(alice.Home, closed);
            Assert.Equal("/", JsonNode.Parse((await RawClient.RunAsync(daemon, "self")).Text)!["workingDirectory"]!.GetValue<string>());
            File.Delete(alice.Home);
            Directory.Move(away, alice.Home);
            File.CreateSymbolicLink(Path.Combine(alice.Home, "link"), secret);
            FramedReply read = await RawClient.RunAsync(daemon, "read-file", """{"path":"link"}""");
            Assert.NotEqual(ReplyCode.Ok, read.End.Code);
            Assert.Empty(read.Stdout);

            // It replaces the link, which belongs to the user, and not its target.
            await RawClient.RunAsync(daemon, "write-file", """{"path":"link"}""", input: "changed"u8.ToArray());
            Assert.Equal("secret", await File.ReadAllTextAsync(secret));
        }
        finally
        {
            File.Delete(Path.Combine(alice.Home, "link"));
            if (Directory.Exists(away))
            {
                File.Delete(alice.Home);
                Directory.Move(away, alice.Home);
            }
        }

        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Programs_that_are_started_without_argv0_exit_with_a_message()
    {
        (string folder, _) = DaemonProcess.Prepare();
        string noargs = Path.Combine(folder, "noargs");
        try
        {
            await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "noargs.c"), noargs);
            foreach ((
                string program, int code) in new[] { (NativeBuild.Command, 125), (NativeBuild.StockJobs, 125),
                (NativeBuild.TestJobs, 125), (NativeBuild.Daemon, 1) })
            {
                ToolResult result = await Tool.RunAsync([noargs, program]);
                Assert.Equal((code, ""), (result.ExitCode, result.Text));
                Assert.Matches("^[a-z]+: it was started without its own name[^\n]*\n$", result.Error);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("[]")]
    [InlineData("[\"\"]")]
    [InlineData("[\"usr/bin/id\"]")]
    [InlineData("[\"/usr/bin/id\\u0000\"]")]
    public async Task A_command_without_a_program_fails_the_start(string words)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Commands"] = new JsonObject { ["x"] = new JsonObject { ["Command"] = JsonNode.Parse(words) } };
        await using var daemon = DaemonProcess.Launch(folder, configuration);
        Assert.Equal(ExitConfiguration, await daemon.EndedAsync());
        Assert.Contains("Commands:x:Command", daemon.Log);
    }

    /// <summary>Orders that the daemon never sends: a worker does not rely on that.</summary>
    [Fact]
    public void A_worker_refuses_an_order_without_a_program_or_with_extra_descriptors()
    {
        var alice = new Account(TestUsers.Alice, TestUsers.Entry(TestUsers.Alice).Uid.Value, 1, [1], "/", "/bin/sh");
        using JobHostByHand host = JobHostByHand.Start();
        using (JobHostByHand.Worker worker = host.Fork())
        {
            worker.Order(new WorkerOrder { Job = "x", Command = [""], Account = alice });
            Assert.Equal(WorkerStep.Execute, worker.Refusal().Step);
        }

        using (JobHostByHand.Worker worker = host.Fork())
        {
            worker.Order(new WorkerOrder { Job = "no-such-job", Account = alice });
            Assert.Equal(WorkerStep.Order, worker.Refusal().Step);
        }

        var writer = new MessageWriter();
        new WorkerOrder { Job = "self", Account = alice }.Encode(writer);
        foreach (int descriptors in new[] { 0, 2, 3 })
        {
            using JobHostByHand.Worker worker = host.Fork();
            worker.Send(descriptors == 0 ? Encoding.UTF8.GetBytes("garbage") : writer.Written, descriptors);
            Assert.Equal(WorkerStep.Order, worker.Refusal().Step);
        }
    }

    private static async Task RefusedAsync(string file, string reason)
    {
        ToolResult result = await Tool.RunAsync([NativeBuild.Daemon, "--config", file]);
        Assert.Equal(ExitConfiguration, result.ExitCode);
        Assert.Contains(reason, result.Error);
    }
}
