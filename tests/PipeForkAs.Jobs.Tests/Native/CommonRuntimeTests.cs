using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Tests.Native;

/// <summary>Tests a job host that is not native code, started as the daemon starts it.</summary>
public sealed class CommonRuntimeTests
{
    private const int DeadlineMilliseconds = 60_000;

    [Theory(Timeout = 2 * DeadlineMilliseconds)]
    [InlineData("pipeforkas-test-jobs.dll", WorkerProtocol.ServeArgument)]
    [InlineData("pipeforkas-jobs.dll", WorkerProtocol.ServeArgument)]
    [InlineData("pipeforkas-jobs.dll", WorkerProtocol.ServeRootArgument)]
    public async Task A_job_host_on_the_common_runtime_refuses_to_fork(string host, string argument)
    {
        (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_seqpacket();
        using FileDescriptor control = own;
        ProcessId pid = Start(host, argument, theirs);
        try
        {
            string reason = await Task.Run(() => FirstMessage(control));
            Assert.Contains("a job host must be native code (dotnet publish with PublishAot", reason);
        }
        finally
        {
            Libc.kill(pid, Signal.SIGKILL);
            Libc.wait_for(pid);
        }
    }

    private static ProcessId Start(string host, string argument, FileDescriptor control)
    {
        using (control)
        using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
        {
            return Libc.posix_spawn(
                Environment.ProcessPath!, [Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, host), argument],
                ["PATH=/usr/bin:/bin", "DOTNET_EnableDiagnostics=0"],
                [(control, WorkerProtocol.ControlDescriptor), (nothing, 0), (nothing, 1), (nothing, 2)]);
        }
    }

    private static string FirstMessage(FileDescriptor control)
    {
        Assert.True(Libc.poll_readable(control, DeadlineMilliseconds), "no message came");
        var buffer = new byte[WorkerProtocol.MaxMessageBytes];
        int length = Libc.recv(control, buffer).OrThrow("recv(job host)");
        var reader = new MessageReader(buffer.AsSpan(0, length));
        Assert.Equal(MessageKind.Refused, reader.Kind);
        return Refused.Decode(ref reader).Reason;
    }
}
