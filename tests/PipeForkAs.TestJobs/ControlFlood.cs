using PipeForkAs.Jobs;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.TestJobs;

/// <summary>
/// The job <c>control-flood</c>: fills the control socket with as many descriptors as fit, and tries to read data of others.
/// </summary>
internal static class ControlFlood
{
    private const int Most = 1_000_000;

    public static int Run(JobContext context)
    {
        var control = new FileDescriptor(WorkerProtocol.ControlDescriptor);
        Libc.set_nonblocking(control);
        Span<byte> buffer = stackalloc byte[256];
        IOResult read = Libc.recv(control, buffer);
        context.Line($"read {(read.WouldBlock ? "nothing" : "something")}");

        using FileDescriptor file = Libc.open("/dev/null", OpenFlags.O_RDONLY);
        FileDescriptor[] many = [.. Enumerable.Repeat(file, Libc.MaxMessageDescriptors)];
        (int withDescriptors, string end) = Fill(() => Libc.sendmsg(control, "flood"u8, many));
        context.Line($"descriptors {(withDescriptors > 0 ? "went" : "did not go")} until {end}");
        (int plain, end) = Fill(() => Libc.send(control, new byte[1]));
        context.Line($"bytes {(plain + withDescriptors > 0 ? "went" : "did not go")} until {end}");

        // Shuts the socket down for writing, and for reading, like another end.
        Libc.shutdown(control, SocketShutdown.SHUT_RDWR);
        context.Line("done");
        return 0;
    }

    private static (int Count, string End) Fill(Func<IOResult> send)
    {
        for (int i = 0; i < Most; i++)
        {
            IOResult sent = send();
            if (sent.Failed)
                return (i, sent.WouldBlock ? "it is full" : sent.Errno.ToString());
        }

        return (Most, "never");
    }
}
