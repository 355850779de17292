using System.Net;
using System.Net.Sockets;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;
using SocketType = System.Net.Sockets.SocketType;

namespace PipeForkAs.TestJobs;

/// <summary>
/// The job <c>control-linger</c>: sends the daemon a TCP socket with unsent data, whose last close waits for a number of seconds.
/// </summary>
internal static class ControlLinger
{
    public static int Run(Duration duration, JobContext context)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var lingering = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        lingering.Connect(listener.LocalEndPoint!);
        Socket kept = listener.Accept();
        lingering.Blocking = false;
        while (lingering.Send(new byte[65_536], SocketFlags.None, out SocketError error) > 0 && error == SocketError.Success)
        {
        }

        lingering.LingerState = new LingerOption(true, (int)duration.Seconds);
        var control = new FileDescriptor(WorkerProtocol.ControlDescriptor);
        var descriptor = new FileDescriptor((int)lingering.Handle);
        IOResult sent = Libc.sendmsg(control, "linger"u8, [descriptor]);
        context.Line(sent.Failed ? "refused" : "sent");
        if (!sent.Failed)
            descriptor.Dispose(); // From now on the last reference is in the message.
        GC.KeepAlive(kept);
        return 0;
    }
}
