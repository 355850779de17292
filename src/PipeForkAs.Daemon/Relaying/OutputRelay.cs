using System.Buffers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>
/// Moves the job's output to the caller. Large output moves inside the kernel with splice(2), and the daemon never stores it: if the caller
/// does not read, its socket fills up, then the job's socket, and the job waits. For small output, copying is cheaper.
/// </summary>
internal sealed class OutputRelay(
    Connection client, UntrustedSocket stdout, UntrustedSocket? stderr, long? limit, IRelayObserver observer)
    : IDisposable
{
    /// <summary>The maximum number of bytes that are copied instead of spliced.</summary>
    private const int Small = 4096;

    /// <summary>Ensures that each frame is sent completely before the next one.</summary>
    private readonly AsyncLock sending = new();

    private readonly List<PrivatePipe> pipes = [];
    private Watch? stdoutWatch, stderrWatch;
    private bool abandoned;

    /// <summary>Whether the reply consists of frames. Then stderr has its own stream.</summary>
    private bool InFrames => stderr is not null;

    /// <summary>The number of bytes of stdout so far. Includes stderr if both share one stream.</summary>
    public long StdoutBytes { get; private set; }

    /// <summary>The number of bytes of stderr so far.</summary>
    public long StderrBytes { get; private set; }

    /// <summary>The time when the relay last moved something from the job, or was created, as a timestamp of the loop.</summary>
    public long LastMoved { get; private set; } = client.Loop.Time.GetTimestamp();

    /// <summary>Whether the caller has received no output or a line break last. False if unknown, which only costs an empty line.</summary>
    public bool AtLineStart { get; private set; } = true;

    /// <summary>Whether the caller has received only a part of a piece of output.</summary>
    public bool WaitsForClient => sending.IsHeld;

    /// <summary>Relays until all outputs have ended, the caller is gone, or <see cref="Abandon"/> is called.</summary>
    public async Task RunAsync()
    {
        Task first = PumpAsync(
            stdout, stdoutWatch = client.Loop.Watch(stdout.Descriptor, EpollEvents.EPOLLIN, "a job's stdout"), FrameType.Stdout);
        if (stderr is not null)
            await PumpAsync(
                stderr, stderrWatch = client.Loop.Watch(stderr.Descriptor, EpollEvents.EPOLLIN, "a job's stderr"), FrameType.Stderr);
        await first;
    }

    /// <summary>
    /// Stops waiting for outputs that a process keeps open, and for a caller that reads no more. Such a caller has received only a part of
    /// a piece of output, so nothing can follow, and its reply is truncated.
    /// </summary>
    public void Abandon()
    {
        abandoned = true;
        if (WaitsForClient)
            client.Close();
        stdoutWatch?.Dispose();
        stderrWatch?.Dispose();
    }

    public void Dispose()
    {
        Abandon();
        foreach (PrivatePipe pipe in pipes)
            pipe.Dispose();
    }

    private async Task PumpAsync(UntrustedSocket stream, Watch watch, FrameType type)
    {
        // The buffer has room for a frame header at the front.
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FrameHeader.Size + Small);
        try
        {
            await PumpAsync(stream, watch, type, buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task PumpAsync(UntrustedSocket stream, Watch watch, FrameType type, byte[] buffer)
    {
        PrivatePipe? pipe = null;
        bool goOn = true;
        while (goOn && !abandoned && !client.IsClosed)
        {
            IOResult read = stream.Receive(buffer.AsSpan(FrameHeader.Size, Small));
            if (read.WouldBlock)
            {
                goOn = await watch.ReadableAsync();
                continue;
            }

            if (read.Errno == Errno.EPROTO)
                observer.JobSentDescriptors();
            if (read.Failed || read.Count == 0)
                return;

            using (await sending.AcquireAsync())
            {
                int allowed = Allowed((int)read.Count);
                goOn = (allowed == 0 || await SendSmallAsync(buffer, allowed, type)) && allowed == read.Count;
            }

            await client.Turns.EnterAsync(client.Caller.Bucket);
            if (read.Count < Small || abandoned)
                continue;
#pragma warning disable CA2000 // The receiver owns it and closes it.
            pipe ??= MakePipe();
#pragma warning restore CA2000
            if (pipe is null)
                continue;

            while (goOn && !abandoned && !client.IsClosed)
            {
                using (await sending.AcquireAsync())
                {
                    // The number of bytes in the pipe is certain, so a frame header can announce it.
                    int taken = abandoned ? 0 : (int)stream.SpliceTo(pipe.Write).Count;
                    if (taken <= 0)
                        break; // Nothing more now, or the end; the next read shows which.
                    int allowed = Allowed(taken);
                    goOn = (allowed == 0 || await SpliceAsync(pipe, allowed, type)) && allowed == taken;
                }

                await client.Turns.EnterAsync(client.Caller.Bucket);
            }
        }
    }

    private PrivatePipe? MakePipe()
    {
        var pipe = PrivatePipe.TryCreate();
        if (pipe is not null)
            pipes.Add(pipe);
        return pipe;
    }

    /// <summary>Returns how many bytes of the output may go to the caller. Fewer than requested means that the limit is reached.</summary>
    private int Allowed(int count)
    {
        if (limit is not { } most || StdoutBytes + StderrBytes + count <= most)
            return count;
        observer.OutputLimitReached();
        return (int)(most - StdoutBytes - StderrBytes);
    }

    private async ValueTask<bool> SendSmallAsync(byte[] buffer, int count, FrameType type)
    {
        Count(count, type);
        AtLineStart = buffer[FrameHeader.Size + count - 1] == (byte)'\n';
        if (!InFrames)
            return await client.SendAsync(buffer.AsMemory(FrameHeader.Size, count));
        new FrameHeader(type, count).Encode(buffer);
        return await client.SendAsync(buffer.AsMemory(0, FrameHeader.Size + count));
    }

    private async ValueTask<bool> SpliceAsync(PrivatePipe pipe, int available, FrameType type)
    {
        if (InFrames)
        {
            var header = new byte[FrameHeader.Size];
            new FrameHeader(type, available).Encode(header);
            if (!await client.SendAsync(header))
                return false;
        }

        Count(available, type);
        AtLineStart = false;
        while (available > 0)
        {
            IOResult moved = client.Input.SpliceFrom(pipe.Read, available);
            if (moved.Count > 0)
                available -= (int)moved.Count;
            else if (!moved.WouldBlock || !await client.Watch.WritableAsync() || client.IsClosed || abandoned)
                return false;
        }

        return true;
    }

    private void Count(int count, FrameType type)
    {
        LastMoved = client.Loop.Time.GetTimestamp();
        if (type == FrameType.Stderr)
            StderrBytes += count;
        else
            StdoutBytes += count;
    }
}
