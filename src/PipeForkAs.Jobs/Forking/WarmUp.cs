using System.Text;
using Microsoft.Win32.SafeHandles;
using PipeForkAs.Jobs.Worker;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Forking;

/// <summary>
/// Takes once, before the first fork, the way that every worker takes: static constructors, generic methods and interface calls are
/// resolved at their first use, and what is resolved here no worker resolves again. Only code of this library and of .NET: a job's own
/// code never runs as root. Nothing here may take the hash code of an object, as array pools and interpolated strings do: it
/// would start Random.Shared, which all workers would then share (the self-test finds it).
/// </summary>
internal static class WarmUp
{
    public static void Run()
    {
        var writer = new MessageWriter();
        var account = new Account("nobody", 65534, 65534, [65534], "/nonexistent", "/bin/sh");
        new Run { Job = "warm-up", Account = account, Environment = [new("LANG", "C.UTF-8")], Arguments = "{}"u8.ToArray() }.Encode(writer);
        var reader = new MessageReader(writer.Written);
        Run order = Protocol.Worker.Run.Decode(ref reader);
        new Returned(ReturnKind.Exited, "", "").Encode(writer);
        foreach (string variable in JobEnvironment.For(order))
            _ = variable[(variable.IndexOf('=', StringComparison.Ordinal) + 1)..];

        using FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR);
        using var handle = new SafeFileHandle(nothing.Number, ownsHandle: false);
        using var stream = new FileStream(handle, FileAccess.ReadWrite, bufferSize: 0, isAsync: false);
        stream.Write(Encoding.UTF8.GetBytes(order.Job));
        _ = stream.Read(stackalloc byte[1]);
        stream.Flush();
    }
}
