using System.Text;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.TestJobs;

/// <summary>The job <c>control-abuse</c>: sends the daemon false messages that the code of a user could send.</summary>
internal static class ControlAbuse
{
    public static int Run(JobContext context)
    {
        var control = new FileDescriptor(WorkerProtocol.ControlDescriptor);
        using FileDescriptor descriptor = Libc.open("/dev/null", OpenFlags.O_RDONLY);
        var writer = new MessageWriter();

        Send(Encoding.ASCII.GetBytes("garbage"));
        Send([(byte)MessageKind.Returned]);
        Send([(byte)MessageKind.Returned, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]);
        Send(new byte[WorkerProtocol.MaxWorkerMessageBytes + 1]);
        new Returned(ReturnKind.Threw, "Forged", "forged").Encode(writer);
        Send(writer.Written.ToArray());
        new StepFailed(WorkerStep.Verify, 1, "forged").Encode(writer);
        Send(writer.Written.ToArray());
        new Forked(1).Encode(writer);
        Libc.sendmsg(control, writer.Written, [descriptor, descriptor]);
        new WorkerExited(Libc.getpid().Value, true, 9, TimeSpan.Zero, 0).Encode(writer);
        Send(writer.Written.ToArray());
        Libc.sendmsg(
            control, "descriptors"u8, [descriptor, descriptor, descriptor, descriptor, descriptor, descriptor, descriptor, descriptor]);

        context.Line("done");
        return 0;

        void Send(byte[] message) => Libc.send(control, message);
    }
}
