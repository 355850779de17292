using System.Buffers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>
/// Moves the job's output to the client. Large output goes inside the kernel by splice(2) and the daemon never holds it: a client
/// that does not read fills its socket and then the job's, and the job waits. Small output is cheaper to copy.
/// </summary>
internal sealed class OutputRelay(
    Connection client, UntrustedSocket stdout, UntrustedSocket? stderr, long? limit, IRelayObserver observer)
    : IDisposable
{
    /// <summary>Up to this many bytes are copied.</summary>
    private const int Small = 4096;

    /// <summary>A frame goes out whole before another begins.</summary>
    private readonly AsyncLock sending = new();

    private readonly List<PrivatePipe> pipes = [];
    private Watch? stdoutWatch, stderrWatch;
    private bool abandoned;

    /// <summary>Whether the reply is in frames: stderr has a stream of its own.</summary>
    private bool InFrames => stderr is not null;

    /// <summary>Bytes of stdout so far; with one stream for both, of both.</summary>
    public long StdoutBytes { get; private set; }

    /// <summary>Bytes of stderr so far.</summary>
    public long StderrBytes { get; private set; }

    /// <summary>When something last came from there, or the relay was made; a time stamp of the loop's.</summary>
    public long LastMoved { get; private set; } = client.Loop.Time.GetTimestamp();

    /// <summary>Whether the client saw the end of a line last, or nothing. Unknown counts as no: it costs an empty line.</summary>
    public bool AtLineStart { get; private set; } = true;

    /// <summary>Whether a piece of output is on its way, and the client has not taken all of it.</summary>
    public bool WaitsForClient => sending.IsHeld;

    /// <summary>Relays until all outputs are at their end, or the client is gone, or <see cref="Abandon"/>.</summary>
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
    /// Stops waiting: for outputs that somebody still holds open, and for a client that takes no more. That one has a piece of
    /// output in part, behind which nothing can be said: its reply is cut short.
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
        // It has room for a frame's header in front.
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
#pragma warning disable CA2000 // The receiver owns it, and closes it.
            pipe ??= MakePipe();
#pragma warning restore CA2000
            if (pipe is null)
                continue;

            while (goOn && !abandoned && !client.IsClosed)
            {
                using (await sending.AcquireAsync())
                {
                    // What is in the pipe is a promise that a frame's header can make.
                    int taken = abandoned ? 0 : (int)stream.SpliceTo(pipe.Write).Count;
                    if (taken <= 0)
                        break; // Nothing more now, or never: reading tells which.
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

    /// <summary>How much of what a job wrote may go to the client. Where that is not all, the limit is reached.</summary>
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
