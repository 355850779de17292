using System.Diagnostics;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests descriptors from clients and jobs whose last close lingers: no request waits for it, whether the kernel refuses them (Linux 6.16)
/// or the daemon detects them.
/// </summary>
[Trait("Takes", "long")]
public sealed class DescriptorTests : IAsyncLifetime
{
    private const int LingerSeconds = 20;
    private static readonly TimeSpan Probing = TimeSpan.FromSeconds(0.6);

    private readonly string folder = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;

    private string Program => Path.Combine(folder, "linger");

    public static TheoryData<string, string, string, long> FromClients
    {
        get
        {
            var cases = new TheoryData<string, string, string, long>();
            foreach (string check in (string[])["auto", "daemon"])
            {
                cases.Add(check, "line", """{"job":"id"}""", 0);
                cases.Add(check, "input", """{"job":"cat"}""", 0);
                cases.Add(check, "input", """{"job":"cat"}""", 300_000);
                cases.Add(check, "oob", """{"job":"cat"}""", 0);
                cases.Add(check, "oob", """{"job":"cat"}""", 5_000);
                cases.Add(check, "last", """{"job":"count-stdin"}""", 70_000);
                cases.Add(check, "many", """{"job":"cat"}""", 0);
                cases.Add(check, "unread", """{"job":"id"}""", 0);
                cases.Add(check, "unread", """{"job":"no-such-job"}""", 0);
                cases.Add(check, "gone", """{"job":"sleep","args":{"seconds":2}}""", 0);
                cases.Add(check, "memory", """{"job":"cat"}""", 0);
            }

            return cases;
        }
    }

    public static TheoryData<string, string, int> FromJobs
    {
        get
        {
            var cases = new TheoryData<string, string, int>();
            foreach (string check in (string[])["auto", "daemon"])
            {
                cases.Add(check, "output", 1);
                cases.Add(check, "output", 2);
                cases.Add(check, "oob", 1);
                cases.Add(check, "many", 2);
                cases.Add(check, "gone", 1);
            }

            return cases;
        }
    }

    public async ValueTask InitializeAsync()
    {
        Libc.chmod(folder, 0x1ED); // 0755
        await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "linger.c"), Program);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(FromClients))]
    public async Task A_client_that_sends_a_lingering_descriptor_delays_no_request(string check, string how, string request, long bytes)
    {
        await using DaemonProcess daemon = await StartAsync(check);
        using Process attacker = Attack(TestUsers.Alice, how == "memory" ? 8 : LingerSeconds, how, "client", daemon.Socket, request, bytes);
        try
        {
            Assert.Equal(
                check == "auto" && Kernel.RefusesDescriptors ? "refused" : "sent",
                await attacker.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            await Bystander.IsNotDelayedAsync(daemon, Probing, Bystander.WithoutHanging);
        }
        finally
        {
            attacker.Kill();
        }

        await Bystander.IsNotDelayedAsync(daemon, Probing, Bystander.WithoutHanging);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(FromJobs))]
    public async Task A_job_that_sends_a_lingering_descriptor_delays_no_request(string check, string how, int stream)
    {
        await using DaemonProcess daemon = await StartAsync(check);
        Task<FramedReply> reply = RawClient.RunAsync(
            daemon, "become", $$"""{"command":["{{Program}}","{{LingerSeconds}}","{{how}}","output","{{stream}}"]}""",
            more: ""","timeout":5""");
        await Bystander.IsNotDelayedAsync(daemon, Probing, Bystander.WithoutHanging);

        EndRecord end = (await reply).End;
        if (check == "daemon" || !Kernel.RefusesDescriptors)
            Assert.Equal(
                (ReplyCode.Cancelled, "the job sent descriptors with its output and was killed"),
                (end.Code, end.Message));
        else
            Assert.Equal(how == "gone" ? ReplyCode.Ok : ReplyCode.Timeout, end.Code);
        await Bystander.IsNotDelayedAsync(daemon, Probing, Bystander.WithoutHanging);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("auto")]
    [InlineData("daemon")]
    public async Task A_job_that_sends_a_lingering_descriptor_to_its_control_socket_delays_no_request(string check)
    {
        await using DaemonProcess daemon = await StartAsync(check);
        FramedReply reply = await RawClient.RunAsync(daemon, "control-linger", $$"""{"seconds":{{LingerSeconds}}}""");
        Assert.Equal((check == "auto" && Kernel.RefusesDescriptors ? "refused\n" : "sent\n", ReplyCode.Ok), (reply.Text, reply.End.Code));
        await Bystander.IsNotDelayedAsync(daemon, Probing, Bystander.WithoutHanging);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Sending_descriptors_ends_the_request_and_the_audit_record_has_the_reason()
    {
        await using DaemonProcess daemon = await StartAsync("daemon");
        using FileDescriptor file = Libc.open("/dev/null", OpenFlags.O_RDONLY);
        using (System.Net.Sockets.Socket client = await RawClient.ConnectAsync(daemon))
        {
            var socket = new FileDescriptor((int)client.Handle);
            Libc.sendmsg(socket, "{\"job\":\"id\"}\n"u8, [file]).OrThrow("sendmsg");
            socket.Release();
            byte[] reply = await RawClient.ReadToEndAsync(client);
            Assert.Equal(
                "pipeforkas: bad-request: descriptors came with the request; send only bytes\n",
                System.Text.Encoding.UTF8.GetString(reply));
        }

        using (System.Net.Sockets.Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"cat","user":"{{TestUsers.Alice}}"}"""))
        {
            await client.SendAsync("hello"u8.ToArray(), TestContext.Current.CancellationToken);
            await Crowd.WaitForAsync(client, "hello");
            var socket = new FileDescriptor((int)client.Handle);
            Libc.sendmsg(socket, "x"u8, [file]).OrThrow("sendmsg");
            socket.Release();
            Assert.StartsWith(
                "pipeforkas: cancelled: the client sent descriptors with the job's input",
                System.Text.Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(client)).TrimStart('\n'));
        }

        await Crowd.UntilAsync(
            () => daemon.Log,
            log => log.Contains("bad-request: descriptors came with the request", StringComparison.Ordinal)
                && log.Contains("cancelled: the client sent descriptors", StringComparison.Ordinal),
            TimeSpan.FromSeconds(10), "the records");
    }

    /// <summary>The process that closes sockets is killed and replaced each time it hangs, and none is left at the end.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task Many_lingering_descriptors_delay_no_request_and_leave_nothing()
    {
        await using DaemonProcess daemon = await StartAsync("daemon");
        await RawClient.RunAsync(daemon, "id");
        Footprint before = await Footprint.AtRestAsync(daemon);
        for (int round = 0; round < 8; round++)
        {
            using Process attacker = Attack(
                TestUsers.Alice, LingerSeconds, round % 2 == 0 ? "unread" : "oob", "client", daemon.Socket, """{"job":"cat"}""",
                round * 1000);
            await attacker.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
            attacker.Kill();
        }

        await Bystander.IsNotDelayedAsync(daemon, Probing, Bystander.WithoutHanging);
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(20));
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static Task<DaemonProcess> StartAsync(string check) =>
        DaemonProcess.StartAsync(configuration => configuration["Socket"]!["DescriptorCheck"] = check);

    private Process Attack(string user, params object[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(
                "setpriv",
                ["--reuid", user, "--regid", user, "--init-groups", "--", Program, .. arguments.Select(argument => $"{argument}")])
            {
                RedirectStandardOutput = true,
            },
        };
        process.Start();
        return process;
    }
}
