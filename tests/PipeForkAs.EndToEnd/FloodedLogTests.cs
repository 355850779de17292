using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests that neither floods of requests nor a hanging log or disk determine how much is written, or how long others wait.
/// </summary>
public sealed class FloodedLogTests
{
    [Fact(Timeout = Bound.Test)]
    public async Task A_flood_of_refusals_is_summed_up_in_the_log_and_the_file_and_counted()
    {
        await using DaemonProcess daemon = await StartAsync(folder => Path.Combine(folder, "audit.json"));
        string file = Path.Combine(daemon.Folder, "audit.json");
        const int Requests = 3000;
        await FloodAsync(daemon, Requests, "garbage");

        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        JsonObject status = await StatusAsync(daemon);
        Assert.Equal(Requests, (long)status["codes"]!["bad-request"]!);
        long suppressed = (long)status["records"]!["suppressed"]!;
        Assert.InRange(suppressed, 1, Requests);
        Assert.Equal((0L, 0L), ((long)status["records"]!["lost"]!, (long)status["records"]!["lines"]!));
        Assert.Equal(0, await daemon.StopAsync());

        JsonObject[] records = Read(file);
        JsonObject[] full = [.. records.Where(record => (string)record["event"]! == "Refused")];
        JsonObject[] sums = [.. records.Where(record => (string)record["event"]! == "Suppressed")];

        // The status request also runs nothing; it has its own record if the flood took long.
        int told = records.Count(record => (string)record["event"]! == "Told");
        Assert.InRange(told, 0, 1);
        Assert.Equal(Requests + 1, full.Length + told + sums.Sum(sum => (long)sum["records"]!));
        Assert.Equal(suppressed + 1 - told, sums.Sum(sum => (long)sum["records"]!));

        // 120 at once, then two per second.
        Assert.InRange(full.Length, 120, 120 + 240);
        Assert.InRange(sums.Length, 1, 3);
        Assert.All(sums, sum => Assert.StartsWith("bad-request ", (string)sum["codes"]!));
        Assert.Single(records, record => (string)record["event"]! == "Ran");
        Assert.Equal(full.Length, daemon.Log.Split("PipeForkAs.Audit[103]").Length - 1);
        Assert.Equal(sums.Length, daemon.Log.Split("PipeForkAs.Audit[104]").Length - 1);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_first_refusals_of_a_caller_are_written_in_full_while_another_floods()
    {
        await using DaemonProcess daemon = await StartAsync(folder => Path.Combine(folder, "audit.json"));
        await FloodAsync(daemon, 500, "garbage");
        string[] command = [NativeBuild.Command, "--socket", daemon.Socket, "run", "--user", "root", "id"];
        ToolResult refused = await Tool.RunAsAsync(TestUsers.Alice, command);
        Assert.Equal(126, refused.ExitCode);
        Assert.Equal(0, await daemon.StopAsync());
        JsonObject denied = Assert.Single(Read(Path.Combine(daemon.Folder, "audit.json")), record => (string)record["event"]! == "Denied");
        Assert.Equal((TestUsers.AliceUid, "root"), (denied["caller_uid"]!.ToJsonString(), (string)denied["user"]!));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_hanging_disk_of_the_audit_file_delays_no_request_and_gets_all_records_later()
    {
        using var folder = new OwnFolder();
        using var disk = new FreezableDisk(folder.Path);
        string file = Path.Combine(disk.Path, "audit.json");
        await using DaemonProcess daemon = await StartAsync(_ => file);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);

        disk.Freeze();
        try
        {
            for (int i = 0; i < 50; i++)
            {
                var waited = Stopwatch.StartNew();
                Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
                Assert.InRange(waited.Elapsed, TimeSpan.Zero, Bystander.WithoutHanging);
            }

            // The file is opened again by a thread that waits for the disk.
            Libc.kill(new ProcessId(daemon.Pid), Signal.SIGHUP);
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
            Assert.InRange((long)(await StatusAsync(daemon))["records"]!["waiting"]!, 51, 52);
        }
        finally
        {
            disk.Thaw();
        }

        await Bound.UntilAsync(() => Read(file).Count(record => (string)record["event"]! == "Ran") == 52, () => daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task With_required_records_no_job_runs_while_the_disk_hangs()
    {
        using var folder = new OwnFolder();
        using var disk = new FreezableDisk(folder.Path);
        string file = Path.Combine(disk.Path, "audit.json");
        await using DaemonProcess daemon = await StartAsync(_ => file, required: true);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);

        disk.Freeze();
        try
        {
            var waited = Stopwatch.StartNew();
            FramedReply reply;
            while ((reply = await RawClient.RunAsync(daemon, "id")).End.Code == ReplyCode.Ok)
            {
                Assert.InRange(waited.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));
                await Task.Delay(100);
            }

            Assert.Equal(ReplyCode.Internal, reply.End.Code);
            Assert.Contains("Audit:Required", reply.End.Message);
            await SaidAsync(daemon, "a record has waited for more than 5 s; no job runs until it can be written");
            Assert.Equal(ReplyCode.Ok, (await RawClient.FramesAsync(daemon, """{"op":"list","reply":"frames"}""")).End.Code);
        }
        finally
        {
            disk.Thaw();
        }

        await SaidAsync(daemon, "is written again; 0 records are missing in it");
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
        Assert.DoesNotContain(Read(file), record => (string)record["event"]! == "Suppressed");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_stop_waits_some_seconds_for_a_hanging_disk_and_logs_the_missing_records()
    {
        using var folder = new OwnFolder();
        using var disk = new FreezableDisk(folder.Path);
        await using DaemonProcess daemon = await StartAsync(_ => Path.Combine(disk.Path, "audit.json"));
        disk.Freeze();
        try
        {
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
            Libc.kill(new ProcessId(daemon.Pid), Signal.SIGTERM);
            await SaidAsync(daemon, "] stopped");
            Assert.Contains("could not be written before the stop; 1 records are only in the log", daemon.Log);
        }
        finally
        {
            disk.Thaw();
        }

        Assert.Equal(0, await daemon.EndedAsync());
    }

    /// <summary>As with a terminal that was stopped by Ctrl-S, or a pipe to a program that hangs.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_log_without_a_reader_delays_no_request()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Audit"] = new JsonObject { ["RecordsPerMinute"] = null };
        string file = Path.Combine(folder, "pipeforkas.json"), socket = (string)configuration["Socket"]!["Path"]!;
        await File.WriteAllTextAsync(file, configuration.ToJsonString());
        (FileDescriptor log, FileDescriptor stderr) = Libc.pipe2();
        using FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR);
        string[] command = [NativeBuild.Daemon, "--config", file];
        ProcessId pid = Libc.posix_spawn(NativeBuild.Daemon, command, [], [(nothing, 0), (nothing, 1), (stderr, 2)]);
        stderr.Dispose();
        try
        {
            await Bound.UntilAsync(() => File.Exists(socket), () => "the daemon does not listen");

            // The pipe and the queue of the console have space for some 3,000 lines.
            for (int i = 0; i < 5000; i++)
            {
                var waited = Stopwatch.StartNew();
                Assert.Contains("bad-request", await AskAsync(socket, "garbage"));
                Assert.InRange(waited.Elapsed, TimeSpan.Zero, Bystander.WithoutHanging);
            }

            // Once the log is read again, it says how many lines are missing.
            var said = new StringBuilder();
            Task reading = Task.Run(() => ReadToEnd(log, said));
            for (int i = 0; i < 300 && !Text(said).Contains("dropped", StringComparison.Ordinal); i++)
            {
                await AskAsync(socket, "garbage");
                await Task.Delay(10);
            }

            Assert.Matches(@"\n\d+ message\(s\) dropped", Text(said));
            Libc.kill(pid, Signal.SIGTERM);
            await reading.WaitAsync(TimeSpan.FromSeconds(30));
        }
        finally
        {
            Libc.kill(pid, Signal.SIGKILL);
            Libc.wait_for(pid);
            log.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<DaemonProcess> StartAsync(Func<string, string> file, bool required = false)
    {
        return DaemonProcess.StartAsync(configuration =>
        {
            string folder = Path.GetDirectoryName((string)configuration["Socket"]!["Path"]!)!;
            configuration["Audit"] = new JsonObject { ["File"] = file(folder), ["Required"] = required };
        });
    }

    private static Task SaidAsync(DaemonProcess daemon, string text) =>
        Bound.UntilAsync(() => daemon.Log.Contains(text, StringComparison.Ordinal), () => daemon.Log);

    private static async Task FloodAsync(DaemonProcess daemon, int requests, string line)
    {
        foreach (string reply in await Crowd.ManyAsync(requests, 8, _ => AskAsync(daemon.Socket, line)))
            Assert.Contains("bad-request", reply);
    }

    private static async Task<string> AskAsync(string socket, string line)
    {
        using var client = new Socket(AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(socket));
        await client.SendAsync(Encoding.UTF8.GetBytes(line + "\n"));
        return Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(client));
    }

    private static async Task<JsonObject> StatusAsync(DaemonProcess daemon) =>
        JsonNode.Parse((await RawClient.FramesAsync(daemon, """{"op":"status","reply":"frames"}""")).Text)!.AsObject();

    private static JsonObject[] Read(string file) => [.. File.ReadAllLines(file).Select(line => JsonNode.Parse(line)!.AsObject())];

    private static void ReadToEnd(FileDescriptor log, StringBuilder text)
    {
        var buffer = new byte[64 * 1024];
        IOResult read;
        while ((read = Libc.read(log, buffer)).Count > 0)
        {
            lock (text)
                text.Append(Encoding.UTF8.GetString(buffer, 0, (int)read.Count));
        }
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }

    /// <summary>A folder of root for a disk, which outlives the daemon.</summary>
    private sealed class OwnFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
