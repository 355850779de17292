using System.Net.Sockets;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests the finalizer thread of the runtime, which a worker has only if there are finalizers to run.</summary>
public sealed class FinalizerTests
{
    [Theory(Timeout = Bound.Test)]
    [InlineData("finalizers")]
    [InlineData("finalizers-unawaited")]
    public async Task Finalizers_run_after_a_collection_awaited_or_not(string job)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        FramedReply reply = await RawClient.RunAsync(daemon, job);
        Assert.Equal((ReplyCode.Ok, "ok\n"), (reply.End.Code, reply.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_function_without_finalizable_objects_has_one_thread()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"cat","user":"{{TestUsers.Alice}}"}""" + "\nit runs\n");
        await Crowd.WaitForAsync(client, "it runs");
        int job = Assert.Single(ProcFs.Descendants(daemon.Pid), pid => ProcFs.User(pid) == TestUsers.Entry(TestUsers.Alice).Uid);
        Assert.Equal("1", ProcFs.StatusField(job, "Threads"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_spinning_wait_starts_no_thread()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        FramedReply reply = await RawClient.RunAsync(daemon, "threads-after-spinning");
        Assert.Equal((ReplyCode.Ok, "1\n"), (reply.End.Code, reply.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task At_the_thread_limit_of_the_user_finalizers_do_not_run_and_nothing_waits()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            configuration => configuration["Limits"]!["Worker"] = new JsonObject { ["PidsMax"] = 1 });
        FramedReply reply = await RawClient.RunAsync(daemon, "finalizers");
        Assert.Equal((ReplyCode.Error, "System.InvalidOperationException: 0 of 100 finalizers ran"), (reply.End.Code, reply.End.Message));
    }
}
