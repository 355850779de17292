using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests that a stop waits for working jobs, but not for silent clients.</summary>
[Trait("Takes", "long")]
public sealed class DrainTests
{
    /// <summary>Longer than the tests wait for a daemon to end.</summary>
    private const string Long = "00:05:00";

    private static readonly Dictionary<string, string[]> Commands = new()
    {
        ["reader"] = ["/bin/cat"],
        ["shell"] = ["/bin/sh", "-c", "read line; echo $line"],
        ["pipeline"] = ["/bin/sh", "-c", "cat | sort | uniq"],
        ["stubborn"] = ["/bin/sh", "-c", "trap '' TERM; cat"],
        ["silent"] = ["/bin/sh", "-c", "echo begun; sleep 4; echo done"],
        ["busy"] = ["/bin/sh", "-c", "echo begun; end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do :; done; echo done"],
        ["both"] = ["/bin/sh", "-c", "echo begun; (sleep 4; echo done) & cat; wait"],
    };

    [Theory(Timeout = Bound.Test)]
    [InlineData("reader", "")]
    [InlineData("reader", "some lines\nof input\n")]
    [InlineData("shell", "")]
    [InlineData("pipeline", "b\na\n")]
    [InlineData("stubborn", "")]
    [InlineData("cat", "")]
    [InlineData("cat", "x")]
    [InlineData("count-stdin", "")]
    public async Task A_job_that_waits_for_input_of_a_silent_client_does_not_delay_a_stop(string job, string input)
    {
        await using DaemonProcess daemon = await StartAsync();
        using Socket silent = await Crowd.SendAsync(daemon, $$"""{"job":"{{job}}","user":"{{TestUsers.Alice}}"}""");
        await silent.SendAsync(Encoding.UTF8.GetBytes(input));
        await RunsAsync(daemon);
        Task<byte[]> reply = RawClient.ReadToEndAsync(silent);
        var stopping = Stopwatch.StartNew();
        Assert.Equal(0, await daemon.StopAsync());
        Assert.Contains("pipeforkas: shutting-down: ", Encoding.UTF8.GetString(await reply));
        Assert.Matches(
            $@"cancelling jobs that wait for input which their clients do not send: {job} as {TestUsers.Alice} \(id 1, process \d+\)",
            daemon.Log);
        Console.WriteLine($"measured: a stop beside {job} took {stopping.Elapsed.TotalSeconds:0.0} s");
    }

    /// <summary>Their clients keep the input open and send nothing, as a terminal does.</summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("silent")]
    [InlineData("busy")]
    [InlineData("both")]
    public async Task A_job_that_computes_without_output_keeps_its_drain_time(string job)
    {
        await using DaemonProcess daemon = await StartAsync();
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"{{job}}","user":"{{TestUsers.Alice}}"}""");
        await Crowd.WaitForAsync(client, "begun");
        Task<byte[]> reply = RawClient.ReadToEndAsync(client);
        await Task.Delay(1500);
        Assert.Equal(0, await daemon.StopAsync());
        string rest = Encoding.UTF8.GetString(await reply);
        Assert.StartsWith("done\n", rest.TrimStart('\n'), StringComparison.Ordinal);

        // The job that reads besides its work waits for nothing else after that.
        Assert.Equal(job == "both", rest.Contains("pipeforkas: shutting-down: ", StringComparison.Ordinal));
        Assert.Contains($"stopping: still waiting for 1 request: {job} as {TestUsers.Alice} (id 1, ", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_function_that_does_not_read_its_input_keeps_its_drain_time()
    {
        await using DaemonProcess daemon = await StartAsync();
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"sleep","user":"{{TestUsers.Alice}}","args":{"seconds":4} }""");
        await RunsAsync(daemon);
        Task<byte[]> reply = RawClient.ReadToEndAsync(client);
        Assert.Equal(0, await daemon.StopAsync());
        Assert.DoesNotContain("pipeforkas: ", Encoding.UTF8.GetString(await reply));
        Assert.DoesNotContain("cancelling", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_that_continues_to_send_keeps_its_job()
    {
        await using DaemonProcess daemon = await StartAsync();
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"reader","user":"{{TestUsers.Alice}}"}""");
        await RunsAsync(daemon);
        Task<int> stopped = daemon.StopAsync();
        for (int i = 0; i < 12; i++)
        {
            await client.SendAsync("still here\n"u8.ToArray());
            await Task.Delay(300);
        }

        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(string.Concat(Enumerable.Repeat("still here\n", 12)), Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(client)));
        Assert.Equal(0, await stopped);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("page", "read", Long)]
    [InlineData("open", "getattr", "00:00:05")]
    public async Task A_stop_does_not_wait_for_hanging_memory_or_files_of_a_job(string how, string request, string timeout)
    {
        await using DaemonProcess daemon = await StartAsync(AddPolls, timeout);
        await using HangingFiles files = await HangingFiles.MountAsync(TestUsers.Alice, request);
        using Socket client = await Crowd.SendAsync(daemon, Polls(how, files.File));
        await Crowd.WaitForAsync(client, "begun");
        Assert.Equal(0, await daemon.StopAsync());
        Assert.Equal(how == "page", daemon.Log.Contains("cancelling jobs that wait for input", StringComparison.Ordinal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_program_that_polls_a_socket_besides_its_input_keeps_its_drain_time()
    {
        await using DaemonProcess daemon = await StartAsync(AddPolls);
        using Socket client = await Crowd.SendAsync(daemon, Polls("socket", ""));
        await Crowd.WaitForAsync(client, "begun");
        Task<byte[]> reply = RawClient.ReadToEndAsync(client);
        Assert.Equal(0, await daemon.StopAsync());
        Assert.Equal("done\n", Encoding.UTF8.GetString(await reply).TrimStart('\n'));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_function_whose_client_does_not_read_keeps_its_drain_time()
    {
        await using DaemonProcess daemon = await StartAsync();
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"cat","user":"{{TestUsers.Alice}}"}""");
        await RunsAsync(daemon);
        const int Size = 16 * 1024 * 1024;
        Task sent = SendAsync(client, Size);
        Task<int> stopped = daemon.StopAsync();
        await Task.Delay(4000);
        Task<byte[]> reply = RawClient.ReadToEndAsync(client);
        await sent;
        Assert.Equal(0, await stopped);
        Assert.Equal(Size, (await reply).Length);

        static async Task SendAsync(Socket client, int size)
        {
            for (int sent = 0; sent < size;)
                sent += await client.SendAsync(new byte[Math.Min(size - sent, 64 * 1024)]);
            client.Shutdown(SocketShutdown.Send);
        }
    }

    /// <summary>A command that runs Hostile/polls.c.</summary>
    private static void AddPolls(JsonObject made)
    {
        string program = Path.Combine(Path.GetDirectoryName(made["Socket"]!["Path"]!.GetValue<string>())!, "polls");
        string source = Path.Combine(AppContext.BaseDirectory, "Hostile", "polls.c");
        CProgram.BuildAsync(source, program, "-pthread").GetAwaiter().GetResult();
        made["Commands"]!["polls"] = JsonNode.Parse(
            $$$"""{"Command":["{{{program}}}","{how}","{path}"],"Parameters":{"how":{"Type":"string"},"path":{"Type":"string"} } }""");
    }

    private static string Polls(string how, string path) =>
        $$$"""{"job":"polls","user":"{{{TestUsers.Alice}}}","args":{"how":"{{{how}}}","path":"{{{path}}}"} }""";

    private static Task<DaemonProcess> StartAsync(Action<JsonObject>? configure = null, string timeout = Long) =>
        DaemonProcess.StartAsync(made =>
        {
            made["Limits"]!["DrainTimeout"] = timeout;
            foreach ((string name, string[] words) in Commands)
                made["Commands"]![name] = new JsonObject { ["Command"] = new JsonArray([.. words.Select(word => (JsonNode)word)]) };
            configure?.Invoke(made);
        });

    private static async Task RunsAsync(DaemonProcess daemon)
    {
        while (!(await RawClient.TextAsync(daemon, """{"op":"status"}""")).Contains("jobs: 1 running", StringComparison.Ordinal))
            await Task.Delay(20);
    }
}
