using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon whose jobs move bytes.</summary>
public sealed class RelayDaemon : ConfiguredDaemon;

/// <summary>Tests that bytes pass unchanged in any amount, and that the daemon stores none of them.</summary>
public sealed class RelayTests(RelayDaemon shared) : IClassFixture<RelayDaemon>
{
    private const long GiB = 1L << 30;
    private const long MiB = 1L << 20;
    private static readonly byte[] Noise = MakeNoise();
    private readonly DaemonProcess daemon = shared.Daemon;

    [Theory(Timeout = Bound.Test)]
    [InlineData("text")]
    [InlineData("frames")]
    public async Task A_gibibyte_passes_through_cat_unchanged_and_the_daemon_does_not_grow(string form)
    {
        await RawClient.RunAsync(daemon, "cat", input: Noise); // The cost of the first request of its kind does not count.
        long before = ProcFs.ResidentBytes(daemon.Pid);
        using Socket socket = await RawClient.ConnectAsync(daemon);
        using var deadline = new CancellationTokenSource(Bound.Test);

        Task<byte[]> sent = SendAsync(socket, $$"""{"job":"cat","user":"{{TestUsers.Alice}}","reply":"{{form}}"}""", GiB, deadline.Token);
        using var output = new OutputHash(form == "frames");
        var buffer = new byte[256 * 1024];
        long most = 0;
        for (int turn = 0; await socket.ReceiveAsync(buffer, deadline.Token) is var count and > 0; turn++)
        {
            output.Add(buffer.AsSpan(0, count));
            if (turn % 64 == 0)
                most = Math.Max(most, ProcFs.ResidentBytes(daemon.Pid));
        }

        Assert.Equal(GiB, output.Length);
        Assert.Equal(await sent, output.Hash());
        Assert.Equal(form == "frames" ? ReplyCode.Ok : null, output.End?.Code);
        Assert.Equal(form == "frames" ? GiB : null, output.End?.Stdout);
        Assert.InRange(most - before, long.MinValue, (16 * MiB) - 1);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_command_passes_a_large_stream_through_pipes()
    {
        string script =
            $"head -c 100000000 /dev/urandom | tee >(sha256sum >&2) "
            + $"| {NativeBuild.Command} --socket {daemon.Socket} run cat | sha256sum >&2";

        ToolResult result = await Tool.RunAsAsync(TestUsers.Alice, ["bash", "-c", script + "; wait"]);

        string[] sums = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, sums.Length);
        Assert.Equal(sums[0], sums[1]);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("text")]
    [InlineData("frames")]
    public async Task A_client_that_does_not_read_blocks_the_job_and_the_daemon_does_not_grow(string form)
    {
        const int Clients = 8;
        await RawClient.RunAsync(daemon, "flood", """{"bytes":1000000}""");
        long before = ProcFs.ResidentBytes(daemon.Pid);
        List<Socket> clients = [];
        try
        {
            for (int i = 0; i < Clients; i++)
            {
                Socket socket = await RawClient.ConnectAsync(daemon);
                clients.Add(socket);
                await socket.SendAsync(
                    Encoding.UTF8.GetBytes(
                        $$"""{"job":"flood","user":"{{TestUsers.Alice}}","args":{"bytes":0},"reply":"{{form}}"}""" + "\n"));
            }

            // Two readings between which no job used a processor.
            IReadOnlyList<int> jobs = [];
            string looked = "";
            await Bound.UntilAsync(
                () =>
                {
                    Thread.Sleep(300);
                    jobs = ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]);
                    string now = string.Join(", ", jobs.Select(ProcessorTime));
                    bool still = jobs.Count == Clients && now == looked;
                    looked = now;
                    return still;
                },
                () => $"the jobs continue to write although no client reads: {looked}");

            Assert.InRange(ProcFs.ResidentBytes(daemon.Pid) - before, long.MinValue, 8 * MiB);

            // Nothing waits for these clients: another one is served.
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);

            // What was written meanwhile arrives when the jobs no longer write.
            foreach (int job in jobs)
                Libc.kill(new ProcessId(job), Signal.SIGSTOP);
            long written = 0;
            foreach (Socket socket in clients)
                written += await BytesUntilSilenceAsync(socket);
            Assert.InRange(written, Clients * 1024, Clients * 4 * MiB);
        }
        finally
        {
            foreach (Socket socket in clients)
                socket.Dispose();
        }

        await Bound.UntilAsync(
            () => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count == 0, () => "the jobs outlive their clients");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Output_that_a_client_reads_late_is_not_stored_in_the_daemon()
    {
        const long Size = 64 * MiB; // To each output.
        await RawClient.RunAsync(daemon, "flood", """{"bytes":1000000}""");
        long before = ProcFs.ResidentBytes(daemon.Pid);
        using Socket socket = await RawClient.ConnectAsync(daemon);
        await socket.SendAsync(
            Encoding.UTF8.GetBytes(
                $$"""{"job":"flood","user":"{{TestUsers.Alice}}","reply":"frames","args":{"bytes":{{Size}} } }""" + "\n"));
        await Task.Delay(1000);
        long unread = ProcFs.ResidentBytes(daemon.Pid) - before;

        var reply = FramedReply.Parse(await RawClient.ReadToEndAsync(socket));

        Assert.Equal(ReplyCode.Ok, reply.End.Code);
        Assert.InRange(unread, long.MinValue, 4 * MiB);
        AssertAll((byte)'1', Size, reply.Stdout);
        AssertAll((byte)'2', Size, reply.Stderr);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Both_outputs_at_once_stay_separate_and_complete()
    {
        const long Size = 20_000_003; // Not a multiple of a buffer size.
        FramedReply reply = await RawClient.RunAsync(daemon, "flood", $$"""{"bytes":{{Size}} }""");

        Assert.Equal((ReplyCode.Ok, Size, Size), (reply.End.Code, reply.End.Stdout, reply.End.Stderr));
        AssertAll((byte)'1', Size, reply.Stdout);
        AssertAll((byte)'2', Size, reply.Stderr);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task In_a_text_reply_both_outputs_stay_in_order()
    {
        string reply = await RawClient.TextAsync(daemon, $$"""{"job":"flood","user":"{{TestUsers.Alice}}","args":{"bytes":1048576} }""");

        // The job writes 32 KiB to each in turn.
        string turn = new string('1', 32 * 1024) + new string('2', 32 * 1024);
        Assert.Equal(string.Concat(Enumerable.Repeat(turn, 32)), reply);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Input_that_the_job_does_not_read_blocks_nothing()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "id", input: new byte[10_000_000]);
        Assert.Equal(ReplyCode.Ok, reply.End.Code);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(1_000_000)]
    public async Task Input_of_any_size_arrives_complete_and_ends(int size)
    {
        byte[] input = Noise[..size];

        FramedReply counted = await RawClient.RunAsync(daemon, "count-stdin", input: input);
        FramedReply copied = await RawClient.RunAsync(daemon, "cat", input: input);

        Assert.Equal($"{size} {Convert.ToHexStringLower(SHA256.HashData(input))}\n", counted.Text);
        Assert.Equal(input, copied.Stdout);
    }

    /// <summary>User and system time in ticks; proc_pid_stat(5).</summary>
    private static string ProcessorTime(int pid) => $"{pid}: {string.Join('+', ProcFs.StatFields(pid)[11..13])}";

    private static async Task<long> BytesUntilSilenceAsync(Socket socket)
    {
        long count = 0;
        var buffer = new byte[64 * 1024];
        while (true)
        {
            using var silence = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
            try
            {
                int read = await socket.ReceiveAsync(buffer, silence.Token);
                if (read == 0)
                    return count;
                count += read;
            }
            catch (OperationCanceledException)
            {
                return count;
            }
        }
    }

    private static void AssertAll(byte expected, long length, byte[] bytes)
    {
        Assert.Equal(length, bytes.LongLength);
        Assert.Equal(-1, bytes.AsSpan().IndexOfAnyExcept(expected));
    }

    private static byte[] MakeNoise()
    {
        var noise = new byte[MiB];
        new Random(1).NextBytes(noise);
        return noise;
    }

    /// <summary>Sends a request and a number of bytes with different blocks. Returns their hash.</summary>
    private static async Task<byte[]> SendAsync(Socket socket, string request, long length, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await socket.SendAsync(Encoding.UTF8.GetBytes(request + "\n"), cancellation);
        byte[] block = [.. Noise];
        for (long at = 0; at < length; at += block.Length)
        {
            BitConverter.TryWriteBytes(block, at);
            hash.AppendData(block);
            for (int sent = 0; sent < block.Length;)
                sent += await socket.SendAsync(block.AsMemory(sent), cancellation);
        }

        socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        return hash.GetHashAndReset();
    }

    /// <summary>Hashes the output of a job from a reply that arrives in pieces.</summary>
    private sealed class OutputHash(bool frames) : IDisposable
    {
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly MemoryStream end = new();
        private readonly byte[] header = new byte[FrameHeader.Size];
        private int headerLength, payloadLeft;
        private FrameType type;

        public long Length { get; private set; }

        public EndRecord? End => end.Length > 0 ? EndRecord.Parse(end.ToArray()) : null;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                if (frames && payloadLeft == 0)
                {
                    header[headerLength++] = bytes[0];
                    bytes = bytes[1..];
                    if (headerLength < header.Length)
                        continue;
                    headerLength = 0;
                    (type, payloadLeft) = FrameHeader.Decode(header);
                    continue;
                }

                ReadOnlySpan<byte> piece = frames ? bytes[..Math.Min(bytes.Length, payloadLeft)] : bytes;
                bytes = bytes[piece.Length..];
                payloadLeft -= frames ? piece.Length : 0;
                if (type == FrameType.End)
                {
                    end.Write(piece);
                    continue;
                }

                hash.AppendData(piece);
                Length += piece.Length;
            }
        }

        public byte[] Hash() => hash.GetHashAndReset();

        public void Dispose()
        {
            hash.Dispose();
            end.Dispose();
        }
    }
}
