using System.Net.Sockets;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests the stock jobs for files as an ordinary user: leftover files, permissions, and inaccessible folders.</summary>
public sealed class FileJobTests(RestrictionDaemon shared) : IClassFixture<RestrictionDaemon>, IDisposable
{
    private readonly string folder = Path.Combine(TestUsers.Entry(TestUsers.Alice).Home, $"files-{Guid.NewGuid():N}");

    private DaemonProcess Daemon => shared.Daemon;

    [Fact(Timeout = Bound.Test)]
    public async Task Clients_that_disconnect_at_any_moment_leave_no_partial_file()
    {
        await AsAliceAsync($"mkdir {folder}");

        // A job that is killed cannot clean up: on a busy machine, a second is not enough for all of them.
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Limits"]!["KillGrace"] = "00:01:00");
        byte[] request = System.Text.Encoding.UTF8.GetBytes(
            $$$"""{"job":"write-file","user":"{{{TestUsers.Alice}}}","args":{"path":"{{{folder}}}/new","size":9}}""" + "\nfour");
        await Crowd.ManyAsync(300, atOnce: 4, async i =>
        {
            using Socket client = await RawClient.ConnectAsync(daemon);
            await client.SendAsync(request);
            await Task.Delay(TimeSpan.FromMicroseconds(i * 20));
            return 0;
        });
        await Crowd.UntilAsync(
            () => ProcFs.HasAny(TestUsers.Entry(TestUsers.Alice).Uid), any => !any, TimeSpan.FromSeconds(30), "processes of alice's");
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_file_that_exceeds_the_size_limit_is_reported_and_removed()
    {
        await AsAliceAsync($"mkdir {folder}");
        FramedReply reply = await RawClient.RunAsync(Daemon, "write-file", $$"""{"path":"{{folder}}/new"}""", input: new byte[10_000_001]);
        Assert.Equal((ReplyCode.Error, true), (reply.End.Code, reply.End.Error!.Message.Contains("FileSize", StringComparison.Ordinal)));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        Assert.Equal(
            ReplyCode.Ok,
            (await RawClient.RunAsync(Daemon, "write-file", $$"""{"path":"{{folder}}/new"}""", input: new byte[10_000_000])).End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_replaced_file_keeps_its_group_or_the_group_gets_no_more_rights_than_everyone()
    {
        await AsAliceAsync(
            $"mkdir {folder} && cd {folder} && touch own foreign asked && "
            + $"chgrp {TestUsers.Group} own && chmod 664 own && chmod 664 foreign asked");
        await Tool.MustAsync("chgrp", "0", $"{folder}/foreign", $"{folder}/asked");
        foreach (string name in new[] { "own", "foreign" })
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(Daemon, "write-file", $$"""{"path":"{{folder}}/{{name}}"}""")).End.Code);
        Assert.Equal(
            ReplyCode.Ok, (await RawClient.RunAsync(Daemon, "write-file", $$"""{"path":"{{folder}}/asked","mode":"660"}""")).End.Code);
        string told = await Tool.MustAsync("stat", "-c", "%a %G", $"{folder}/own", $"{folder}/foreign", $"{folder}/asked");
        Assert.Equal($"664 {TestUsers.Group}\n644 {TestUsers.Alice}\n660 {TestUsers.Alice}\n", told);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_file_can_be_written_into_a_folder_that_cannot_be_read()
    {
        await AsAliceAsync($"mkdir {folder} && chmod 300 {folder}");
        FramedReply reply = await RawClient.RunAsync(Daemon, "write-file", $$"""{"path":"{{folder}}/new"}""", input: new byte[5]);
        Assert.Equal((ReplyCode.Ok, 5), (reply.End.Code, new FileInfo($"{folder}/new").Length));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_unreadable_folder_does_not_hide_its_siblings()
    {
        await AsAliceAsync(
            $"mkdir -p {folder}/unsearchable {folder}/unreadable && "
            + $"cd {folder} && echo 12345 >beside && touch unsearchable/one unsearchable/two && chmod 444 unsearchable && chmod 111 "
            + $"unreadable");
        FramedReply usage = await RawClient.RunAsync(Daemon, "disk-usage", $$"""{"path":"{{folder}}"}""");
        Assert.Contains("\"files\":1,\"directories\":3,\"unreadable\":3", usage.Text);
        FramedReply listing = await RawClient.RunAsync(Daemon, "list-directory", $$"""{"path":"{{folder}}/unsearchable"}""");
        Assert.Contains("\"entries\":[{\"name\":\"one\"", listing.Text);
        Assert.Contains("{\"name\":\"two\"", listing.Text);
    }

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private static async Task AsAliceAsync(string script)
    {
        ToolResult result = await Tool.RunAsAsync(TestUsers.Alice, ["/bin/bash", "-c", script]);
        Assert.True(result.ExitCode == 0, result.Error);
    }
}
