using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>A job host with a test in the role of the daemon: for orders that a daemon never sends.</summary>
internal sealed class JobHostByHand : IDisposable
{
    private const int DeadlineMilliseconds = 60_000;
    private readonly FileDescriptor control;
    private readonly ProcessId pid;

    private JobHostByHand(ProcessId pid, FileDescriptor control)
    {
        this.pid = pid;
        this.control = control;
    }

    /// <summary>Starts the test jobs and waits until they can fork.</summary>
    public static JobHostByHand Start(bool forRoot = false)
    {
        (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_seqpacket();
        using (theirs)
        using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
        {
            ProcessId pid = Libc.posix_spawn(
                NativeBuild.TestJobs, [NativeBuild.TestJobs, forRoot ? WorkerProtocol.ServeRootArgument : WorkerProtocol.ServeArgument],
                ["PATH=/usr/bin:/bin"],
                [(theirs, WorkerProtocol.ControlDescriptor), (nothing, 0), (nothing, 1), (nothing, 2)]);
            var host = new JobHostByHand(pid, own);
            while (Kind(Receive(own, [], out _)) != MessageKind.Ready)
            {
            }

            return host;
        }
    }

    /// <summary>Forks a worker, which waits for its order.</summary>
    public Worker Fork()
    {
        var writer = new MessageWriter();
        writer.Begin(MessageKind.Fork);
        Libc.send(control, writer.Written).OrThrow("send(job host)");
        while (true)
        {
            var descriptors = new FileDescriptor?[4];
            byte[] message = Receive(control, descriptors, out int count);
            if (Kind(message) == MessageKind.Exited)
                continue; // From an earlier worker.
            Assert.Equal((MessageKind.Forked, 4), (Kind(message), count));
            var reader = new MessageReader(message);
            descriptors[1]!.Dispose();
            return new Worker(Forked.Decode(ref reader).Pid, descriptors[0]!, descriptors[2]!, descriptors[3]!);
        }
    }

    public void Dispose()
    {
        control.Dispose();
        Libc.kill(pid, Signal.SIGKILL);
        Libc.wait_for(pid);
    }

    /// <summary>Waits for a message; empty if the other end is closed.</summary>
    private static byte[] Receive(FileDescriptor socket, Span<FileDescriptor?> descriptors, out int count)
    {
        Assert.True(Libc.poll_readable(socket, DeadlineMilliseconds), "no message came");
        var buffer = new byte[WorkerProtocol.MaxMessageBytes];
        IOResult received = Libc.recvmsg(socket, buffer, descriptors, out count);
        return received.Failed ? [] : buffer[..(int)received.Count];
    }

    private static MessageKind Kind(byte[] message) => new MessageReader(message).Kind;

    /// <summary>A worker with a test in the role of the daemon.</summary>
    internal sealed class Worker(int pid, FileDescriptor control, FileDescriptor stdin, FileDescriptor stdout) : IDisposable
    {
        public int Pid => pid;

        public FileDescriptor Control => control;

        /// <summary>Sends an order whose standard error is its standard output.</summary>
        public void Order(WorkerOrder order)
        {
            var writer = new MessageWriter();
            order.Encode(writer);
            Send(writer.Written, 0);
        }

        /// <summary>Sends bytes, with a number of descriptors of /dev/null.</summary>
        public void Send(ReadOnlySpan<byte> message, int descriptors)
        {
            using FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR);
            FileDescriptor[] all = [.. Enumerable.Repeat(nothing, descriptors)];
            (descriptors > 0 ? Libc.sendmsg(control, message, all) : Libc.send(control, message)).OrThrow("send(worker)");
        }

        /// <summary>Its next message; empty if it closed its end.</summary>
        public byte[] Receive() => JobHostByHand.Receive(control, [], out _);

        /// <summary>The step at which it refused the order.</summary>
        public StepFailed Refusal()
        {
            byte[] message = Receive();
            Assert.True(message.Length > 0 && Kind(message) == MessageKind.StepFailed, $"it said {Convert.ToHexString(message)}");
            var reader = new MessageReader(message);
            return StepFailed.Decode(ref reader);
        }

        public void Dispose()
        {
            control.Dispose();
            stdin.Dispose();
            stdout.Dispose();
        }
    }
}
